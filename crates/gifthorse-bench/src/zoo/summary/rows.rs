//! The rows of a summary: models in groups, each held against all clean models.

use std::collections::BTreeMap;

use gifthorse_defense::verdict::interval::clopper_pearson;
use gifthorse_report::report::Verdict;

use super::{Judged, Row, Share};
use crate::Error;
use gifthorse_defense::roc::auroc;

/// The group that a model is in: its place among the groups, and what it is called.
pub type Grouping = fn(&Judged) -> (usize, String);

/// Triggers by the pixels that they change, the smallest first.
pub fn by_size(model: &Judged) -> (usize, String) {
    match model
        .planted
        .as_ref()
        .and_then(|planted| planted.trigger_pixels)
    {
        Some(pixels) => (pixels as usize, format!("trigger of {pixels} pixels")),
        None => (usize::MAX, "trigger over the whole image".to_owned()),
    }
}

/// By the number of classes that triggers lead to.
pub fn by_targets(model: &Judged) -> (usize, String) {
    match model
        .planted
        .as_ref()
        .map_or(0, |planted| planted.targets.len())
    {
        1 => (1, "1 infected label".to_owned()),
        targets => (targets, format!("{targets} infected labels")),
    }
}

/// By data set.
pub fn by_data(model: &Judged) -> (usize, String) {
    (0, format!("data {}", model.data))
}

/// By the name of what was planted.
pub fn by_attack(model: &Judged) -> (usize, String) {
    (
        0,
        format!("attack {}", model.attack.as_deref().unwrap_or_default()),
    )
}

/// Makes rows against the clean models of the zoo.
pub struct Rows<'a> {
    clean: &'a [&'a Judged],
}

impl<'a> Rows<'a> {
    /// Against these clean models.
    pub fn against(clean: &'a [&'a Judged]) -> Self {
        Self { clean }
    }

    /// A row of all models, and a row of each group for each way to group them; none of no models.
    pub fn of(&self, models: &[&Judged], groupings: &[Grouping]) -> Result<Vec<Row>, Error> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = vec![self.row("all".to_owned(), models)?];
        for grouping in groupings {
            let mut groups: BTreeMap<(usize, String), Vec<&Judged>> = BTreeMap::new();
            for model in models {
                groups.entry(grouping(model)).or_default().push(model);
            }
            for ((_, group), models) in groups {
                rows.push(self.row(group, &models)?);
            }
        }
        Ok(rows)
    }

    fn row(&self, group: String, models: &[&Judged]) -> Result<Row, Error> {
        let planted = models.iter().any(|model| model.planted.is_some());
        let flagged: Vec<&&Judged> = models
            .iter()
            .filter(|model| model.verdict == Verdict::Backdoored)
            .collect();
        let right = flagged.iter().filter(|model| model.targets_right()).count();
        let pixels = |model: &Judged| model.planted.as_ref().and_then(|it| it.trigger_pixels);
        let first = models.first().and_then(|model| pixels(model));
        let suspicion = |model: &Judged| 1.0 - model.p_value.unwrap_or(1.0);
        let statistic = |model: &Judged| model.statistic.unwrap_or(f64::NEG_INFINITY);
        let area = |number: &dyn Fn(&Judged) -> f64| {
            let clean: Vec<f64> = self.clean.iter().map(|model| number(model)).collect();
            let these: Vec<f64> = models.iter().map(|model| number(model)).collect();
            auroc(&clean, &these).filter(|_| planted)
        };
        let mean = |number: &dyn Fn(&Judged) -> f64| {
            models.iter().map(|model| number(model)).sum::<f64>() / models.len() as f64
        };
        let inconclusive = models
            .iter()
            .filter(|model| model.verdict == Verdict::Inconclusive)
            .count();
        let success = |model: &Judged| {
            let planted = model.planted.as_ref();
            planted.map_or(0.0, |planted| planted.attack_success)
        };
        Ok(Row {
            group,
            trigger_pixels: first.filter(|_| models.iter().all(|model| pixels(model) == first)),
            flagged: share(flagged.len(), models.len())?,
            inconclusive,
            targets_right: match planted {
                true => Some(share(right, flagged.len())?),
                false => None,
            },
            auroc: area(&suspicion),
            auroc_of_statistic: area(&statistic),
            clean_accuracy: mean(&|model| model.clean_accuracy),
            attack_success: planted.then(|| mean(&success)),
            seconds: mean(&|model| model.seconds),
        })
    }
}

fn share(count: usize, of: usize) -> Result<Share, Error> {
    let (count, of) = (count as u64, of as u64);
    let interval = clopper_pearson(count, of, 0.95)?;
    Ok(Share {
        count,
        of,
        interval: [interval.lower, interval.upper],
    })
}
