//! How long the searches of a detector will take at most.

use std::time::{Duration, Instant};

use gifthorse_defense::detect::Detector;
use gifthorse_defense::finding::Unit;
use gifthorse_defense::subject::Subject;

use crate::Error;

/// The time that searching `units` takes if every search goes to its end: by the first step of a
/// search, made twice, since the first also makes the model ready for the size of the batches.
///
/// # Errors
/// As the search.
pub fn at_most(
    detector: &dyn Detector,
    subject: &Subject<'_>,
    units: &[Unit],
) -> Result<Duration, Error> {
    let Some(&first) = units.first() else {
        return Ok(Duration::ZERO);
    };
    let (mut an_update, mut of_one) = (0.0, None);
    for _ in 0..2 {
        let mut search = detector.begin(subject, first)?;
        let clock = Instant::now();
        search.advance(1)?;
        an_update = clock.elapsed().as_secs_f64() / search.updates().max(1) as f64;
        of_one = search.at_most();
    }
    let updates = of_one.map_or_else(
        || detector.most_updates_of(units.len()),
        |of_one| units.len() * of_one,
    );
    let in_turn = updates.div_ceil(rayon::current_num_threads().max(1));
    let updates = in_turn.max(of_one.unwrap_or(detector.most_updates()));
    Ok(Duration::from_secs_f64(
        (an_update * updates as f64).min(1e9),
    ))
}
