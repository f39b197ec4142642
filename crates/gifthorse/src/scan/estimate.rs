//! How long the searches will take at most.

use std::time::Duration;

use gifthorse_data::Images;
use gifthorse_defense::detect::neural_cleanse::{ClassSearch, Config, State, Task};
use gifthorse_engine::Classifier;

use crate::Error;

/// Updates that are timed.
const TIMED: usize = 2;

/// The time that searching so many classes takes if every search goes to its end: by a search of a few updates, made
/// twice, since the first also makes the model ready for the size of the batches.
///
/// # Errors
/// As the search.
pub fn at_most(
    classifier: &Classifier,
    images: &Images,
    config: &Config,
    classes: usize,
) -> Result<Duration, Error> {
    let trial = Config {
        batches_per_step: TIMED,
        steps: 1,
        exclude_target: false,
        restarts: 0,
        classes: Some(vec![0]),
        ..config.clone()
    };
    let few: Vec<usize> = (0..images.len().min(config.batch)).collect();
    let few = images.subset(&few);
    let none = images.subset(&[]);
    let mut seconds = 0.0;
    for _ in 0..2 {
        let task = Task {
            classifier,
            search: &few,
            holdout: &none,
            config: &trial,
            seed: 0,
        };
        let mut search = ClassSearch::new(task, 0)?;
        search.advance(1)?;
        seconds = search.unfinished(State::Skipped).seconds;
    }
    let updates = config.effort.most_updates(config, classes);
    let in_turn = updates.div_ceil(rayon::current_num_threads().max(1));
    let updates = in_turn.max(config.most_updates());
    Ok(Duration::from_secs_f64(
        (seconds / TIMED as f64 * updates as f64).min(1e9),
    ))
}
