//! Which class a backdoor leads to, where it is left to chance.

use rand::RngExt;

use crate::Error;
use crate::random::Purpose;

/// A target class drawn at random, as Wang et al. 2019 do in §V-A; the same seed gives the same
/// class.
///
/// # Errors
/// [`Error::Images`] if there are no classes.
pub fn random_target(classes: usize, seed: u64) -> Result<usize, Error> {
    if classes == 0 {
        return Err(Error::Images("they have no classes".to_owned()));
    }
    Ok(Purpose::Target.rng(seed).random_range(0..classes))
}
