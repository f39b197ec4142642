//! Which searches the images allow.

use gifthorse_data::Images;
use gifthorse_defense::detect::Detector;
use gifthorse_defense::finding::{Finding, Unit};

use super::findings::classes;
use super::search::Searched;

/// The units that a detector is to search, and those that it cannot.
pub struct Searchable {
    /// To be searched.
    pub units: Vec<Unit>,
    /// Without the images to search with, and why.
    left_out: Vec<(Unit, String)>,
}

impl Searchable {
    /// Divides the units of a detector; `search` are the labelled images that it searches with.
    pub fn of(detector: &dyn Detector, all: Vec<Unit>, search: Option<&Images>) -> Self {
        let labels = search.and_then(Images::labels).unwrap_or_default();
        let (mut units, mut left_out) = (Vec::new(), Vec::new());
        for unit in all {
            match detector.lacks(unit, labels) {
                Some(why) => left_out.push((unit, why)),
                None => units.push(unit),
            }
        }
        Self { units, left_out }
    }

    /// What the user should know before the search; `None` if everything is searched.
    pub fn warning(&self, detector: &dyn Detector, class_names: &[String]) -> Option<String> {
        let (unit, why) = self.left_out.first()?;
        let what = match unit.class_of_search() {
            Some(class) => {
                let name = class_names.get(class);
                let name = name.map_or_else(String::new, |name| format!(" ({name})"));
                format!("class {class}{name}")
            }
            None => "the model".to_owned(),
        };
        let others = match self.left_out.len().saturating_sub(1) {
            0 => String::new(),
            count => format!("; nor are {count} more"),
        };
        let title = detector.about().title;
        Some(format!("{title}: {what} is {why}{others}"))
    }

    /// Adds what became of the units that are left out to what was found of the others.
    pub fn complete(&self, searched: &mut Searched<'_>) {
        let units: Vec<Unit> = self.left_out.iter().map(|(unit, _)| *unit).collect();
        searched.left_out = classes(&units);
        let findings = &mut searched.findings.units;
        let left_out = self.left_out.iter().map(|(unit, why)| Finding {
            reason: Some(why.clone()),
            ..Finding::skipped(*unit)
        });
        findings.extend(left_out);
        findings.sort_by_key(|finding| finding.unit);
    }
}
