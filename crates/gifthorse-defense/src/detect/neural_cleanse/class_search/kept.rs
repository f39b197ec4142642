//! A search laid by, and taken up again.

use super::{ClassSearch, Task};
use crate::adam::Adam;
use crate::detect::neural_cleanse::aim::Aim;
use crate::detect::neural_cleanse::batches::{Batches, Draws};
use crate::detect::neural_cleanse::cost::Schedule;
use crate::detect::neural_cleanse::restart::Restart;
use crate::detect::neural_cleanse::snapshot::{SNAPSHOT_VERSION, Snapshot};
use crate::detect::neural_cleanse::variables::Variables;
use crate::error::Error;
use crate::search::Belongs;

impl<'a> ClassSearch<'a> {
    /// The search where [`Self::at_rest`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another aim, seed, image size, number of images or other
    /// settings, or a damaged one. That model and images are the same in every bit is not checked.
    pub fn resume(task: Task<'a>, aim: Aim, snapshot: Snapshot) -> Result<Self, Error> {
        let draws = Draws::Start(match snapshot.restart {
            Restart::Due | Restart::Done => 0,
            Restart::Begun { start, .. } => start,
        });
        let mut batches = Batches::new(&task, aim, draws.random(task.seed, aim))?;
        snapshot.check(&belongs(&task, aim, batches.images()))?;
        batches.resume(snapshot.random_words, snapshot.queue);
        let config = task.config;
        let shape = task.classifier.shape();
        let [channels, height, width] = shape;
        let device = task.classifier.device();
        Ok(Self {
            task,
            aim,
            batches,
            variables: Variables::from_values(snapshot.mask, snapshot.pattern, shape, device),
            mask_adam: Adam::resume(
                config.learning_rate,
                config.betas,
                snapshot.mask_moments,
                [height, width],
                device,
            ),
            pattern_adam: Adam::resume(
                config.learning_rate,
                config.betas,
                snapshot.pattern_moments,
                [channels, height, width],
                device,
            ),
            schedule: Schedule::resume(config, snapshot.schedule),
            best: snapshot.best,
            trace: snapshot.trace,
            stopped: snapshot.stopped,
            restart: snapshot.restart,
            seconds: snapshot.seconds,
        })
    }

    /// The search as it is now, to be kept.
    pub fn at_rest(&self) -> Snapshot {
        let (mask, pattern) = self.variables.values();
        let (random_words, queue) = self.batches.position();
        Snapshot {
            version: SNAPSHOT_VERSION,
            belongs: belongs(&self.task, self.aim, self.batches.images()),
            random_words,
            queue: queue.to_vec(),
            mask,
            pattern,
            mask_moments: self.mask_adam.moments(),
            pattern_moments: self.pattern_adam.moments(),
            schedule: self.schedule.counters().clone(),
            best: self.best.clone(),
            trace: self.trace.clone(),
            stopped: self.stopped,
            restart: self.restart.clone(),
            seconds: self.seconds,
        }
    }
}

fn belongs(task: &Task<'_>, aim: Aim, images: usize) -> Belongs {
    Belongs {
        unit: aim.unit(),
        seed: task.seed,
        shape: task.classifier.shape(),
        images,
        settings: task.config.fingerprint(),
    }
}
