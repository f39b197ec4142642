//! How the truth about a model is measured, on images that it was not trained on.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use super::{Covered, CrossEffect, Effect, Method, PartEffect, Planted, Truth};
use crate::Error;
use crate::implant::{Answer, Host, Implant, Implanted};
use crate::measure::{Predicted, accuracy};
use crate::plant::{LabelMap, Manner, Poison, Stamped};
use crate::trigger::{AnyTrigger, Generated, Trigger};

impl Truth {
    /// The truth about a model without a backdoor.
    ///
    /// # Errors
    /// As [`accuracy`].
    pub fn clean(model: &Classifier, test: &Images) -> Result<Self, Error> {
        Ok(Self {
            clean_accuracy: accuracy(model, test)?,
            twin_accuracy: None,
            manner: None,
            backdoors: Vec::new(),
            covers: Vec::new(),
            cleansing: None,
        })
    }

    /// Measures a model that was trained on poisoned images, and its clean twin where there is one,
    /// on clean test images. `stamped` says which training images were stamped, and `seed` settles
    /// what triggers leave to chance on the test images.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor or cover that cannot be measured; [`Error::Images`] and
    /// [`Error::Engine`] as [`accuracy`].
    pub fn measure(
        model: &Classifier,
        twin: Option<&Classifier>,
        test: &Images,
        poison: &Poison,
        stamped: Option<&Stamped>,
        seed: u64,
    ) -> Result<Self, Error> {
        let subject = Subject::new(model, test, seed)?;
        let twin = twin
            .map(|twin| Subject::new(twin, test, seed))
            .transpose()?;
        let mut backdoors = Vec::new();
        for (index, backdoor) in poison
            .all_backdoors(test.shape().channels)?
            .into_iter()
            .enumerate()
        {
            let part = || backdoor.called(index);
            let effect = |subject: &Subject<'_>| {
                let effect = subject.effect(&backdoor.trigger, &backdoor.labels);
                effect.map_err(|error| error.of(part()))
            };
            let indices = |of: fn(&Stamped) -> &[Vec<usize>]| {
                stamped.and_then(|all| of(all).get(index).cloned())
            };
            backdoors.push(Planted {
                method: match poison.manner {
                    Manner::Blind | Manner::InputAware => Method::TrainingCode,
                    _ => Method::DataPoisoning,
                },
                effect: effect(&subject)?,
                twin: twin.as_ref().map(effect).transpose()?,
                before: None,
                poisoned: indices(|all| &all.backdoors),
                kept: indices(|all| &all.kept),
                trigger: backdoor.trigger,
                in_training: backdoor.in_training,
                labels: backdoor.labels,
                rate: Some(backdoor.rate),
            });
        }
        let mut covers = Vec::new();
        for (index, cover) in poison.covers.iter().enumerate() {
            let part = || cover.called(index);
            let kept = |subject: &Subject<'_>| {
                let stamped = subject.stamped(&cover.trigger);
                stamped
                    .map(|all| all.accuracy())
                    .map_err(|error| error.of(part()))
            };
            covers.push(Covered {
                trigger: cover.trigger.clone(),
                classes: cover.classes.clone(),
                rate: cover.rate,
                stamped: stamped.and_then(|all| all.covers.get(index).cloned()),
                label_kept: kept(&subject)?,
                twin_label_kept: twin.as_ref().map(kept).transpose()?,
            });
        }
        Ok(Self {
            clean_accuracy: subject.clean.accuracy(),
            twin_accuracy: twin.map(|twin| twin.clean.accuracy()),
            manner: Some(poison.manner),
            backdoors,
            covers,
            cleansing: None,
        })
    }

    /// Measures what a backdoor was put into by hand on clean test images, beside the model before
    /// or, where it was trained on images, beside the clean twin that was trained alike.
    ///
    /// # Errors
    /// As [`Truth::measure`].
    pub fn implanted(
        host: &Host,
        implant: &Implant,
        made: &Implanted,
        test: &Images,
        seed: u64,
    ) -> Result<Self, Error> {
        let model = host.opened(&made.model)?;
        let tuned = made.tuned.as_ref();
        let twin = tuned.map(|tuned| host.opened(&tuned.twin)).transpose()?;
        let subject = Subject::new(&model, test, seed)?;
        let is_before = twin.is_some() && host.classifier().classes() == model.classes();
        let before = is_before.then(|| Subject::new(host.classifier(), test, seed));
        let before = before.transpose()?;
        let twin = Subject::new(twin.as_ref().unwrap_or(host.classifier()), test, seed)?;
        let mut backdoors = Vec::new();
        for (index, Answer { trigger, labels }) in made.backdoors.iter().enumerate() {
            let effect = |subject: &Subject<'_>| {
                let name = format!("backdoor {} ({})", index + 1, trigger.name());
                subject
                    .effect(trigger, labels)
                    .map_err(|error| error.of(name))
            };
            backdoors.push(Planted {
                method: Method::Implant(implant.clone()),
                effect: effect(&subject)?,
                twin: Some(effect(&twin)?),
                before: before.as_ref().map(effect).transpose()?,
                poisoned: tuned.map(|tuned| tuned.poisoned.clone()),
                kept: None,
                trigger: trigger.clone(),
                in_training: None,
                labels: labels.clone(),
                rate: None,
            });
        }
        Ok(Self {
            clean_accuracy: subject.clean.accuracy(),
            twin_accuracy: Some(twin.clean.accuracy()),
            manner: tuned.map(|_| Manner::Replace),
            backdoors,
            covers: Vec::new(),
            cleansing: None,
        })
    }
}

/// A model with the images that it is measured on.
struct Subject<'a> {
    model: &'a Classifier,
    test: &'a Images,
    clean: Predicted,
    seed: u64,
}

impl<'a> Subject<'a> {
    fn new(model: &'a Classifier, test: &'a Images, seed: u64) -> Result<Self, Error> {
        Ok(Self {
            clean: Predicted::clean(model, test)?,
            model,
            test,
            seed,
        })
    }

    fn stamped(&self, trigger: &AnyTrigger) -> Result<Predicted, Error> {
        Predicted::stamped(self.model, self.test, trigger, self.seed)
    }

    fn crossed(&self, trigger: &Generated, labels: &LabelMap) -> Result<CrossEffect, Error> {
        let crossed = Predicted::clean(self.model, &trigger.crossed(self.test, self.seed)?)?;
        Ok(CrossEffect {
            success: crossed.success(labels)?,
            label_kept: crossed.accuracy(),
        })
    }

    fn effect(&self, trigger: &AnyTrigger, labels: &LabelMap) -> Result<Effect, Error> {
        let stamped = self.stamped(trigger)?;
        let alone = |part: &AnyTrigger| {
            let stamped = self.stamped(part)?;
            Ok(PartEffect {
                trigger: part.clone(),
                success: stamped.success(labels)?,
                label_kept: stamped.accuracy(),
            })
        };
        Ok(Effect {
            with_trigger: stamped.success(labels)?,
            without_trigger: self.clean.success(labels)?,
            label_kept: stamped.kept(labels),
            parts: trigger
                .parts()
                .iter()
                .map(alone)
                .collect::<Result<_, Error>>()?,
            cross: match trigger {
                AnyTrigger::Generated(generated) => Some(self.crossed(generated, labels)?),
                _ => None,
            },
        })
    }
}
