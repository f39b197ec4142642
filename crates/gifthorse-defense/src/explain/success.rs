//! Which classes a trigger leads where.

use crate::error::Error;
use crate::explain::{Case, Count};
use crate::finding::Destination;
use crate::label_map::LabelMap;

/// What becomes of the images of one class under a trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// The class.
    pub class: usize,
    /// Of its images, those that are taken for the target.
    pub success: Count,
    /// What most of its images are taken for, be it the class itself; of several classes with as
    /// many, the first.
    pub to: Destination,
}

/// How often a trigger leads to its target, and where it leads the images of each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Success {
    /// The class that it is to lead to.
    pub target: usize,
    /// Of the images of all other classes, those that are taken for the target.
    pub overall: Count,
    /// The classes that there are images of, in order; the target among them.
    pub sources: Vec<Source>,
}

impl Success {
    /// Tries a trigger on all images of a case. Without a `target` it is the class that most of the
    /// images go to that leave their own.
    ///
    /// # Errors
    /// [`Error::LeadsNowhere`] without a target, if no image leaves its class; a target that the
    /// model does not have ([`Error::NoSuchClass`]); a model that cannot be run.
    pub fn of(case: &Case<'_>, target: Option<usize>) -> Result<Self, Error> {
        let classes = case.classifier.classes();
        if let Some(class) = target.filter(|&class| class >= classes) {
            return Err(Error::NoSuchClass { class, classes });
        }
        let answers = case.classifier.predict(case.stamped)?;
        let pairs = case.labels.iter().copied().zip(answers);
        let map = LabelMap::new(classes, pairs);
        let target = target
            .or_else(|| map.most_frequent())
            .ok_or(Error::LeadsNowhere)?;
        let source = |class: usize| {
            Some(Source {
                class,
                success: Count {
                    hits: map.count(class, target),
                    trials: (0..classes).map(|to| map.count(class, to)).sum(),
                },
                to: map.most_frequent_of(class)?,
            })
        };
        let sources: Vec<Source> = (0..classes).filter_map(source).collect();
        let others = sources.iter().filter(|source| source.class != target);
        let overall = others.fold(Count::default(), |all, source| Count {
            hits: all.hits + source.success.hits,
            trials: all.trials + source.success.trials,
        });
        Ok(Self {
            target,
            overall,
            sources,
        })
    }
}
