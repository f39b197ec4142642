//! Which searches the images allow: a trigger to a class is searched on images of other classes.

use gifthorse_data::Images;
use gifthorse_defense::detect::Detector;
use gifthorse_defense::finding::{Finding, Unit};

use super::findings::targets;
use super::search::Searched;

/// Why a class is not searched, in words that go after "class 3: ".
const REASON: &str = "not searched, since all images are of this class";

/// The units that a detector is to search, and those that it cannot.
pub struct Searchable {
    /// To be searched.
    pub units: Vec<Unit>,
    /// Without an image to search with.
    left_out: Vec<Unit>,
}

impl Searchable {
    /// Divides the units of a detector; `search` are the labelled images that it searches with.
    pub fn of(detector: &dyn Detector, units: Vec<Unit>, search: Option<&Images>) -> Self {
        let labels = search.and_then(Images::labels).unwrap_or_default();
        let only = labels
            .first()
            .filter(|first| labels.iter().all(|label| label == *first));
        let needs_images = detector.about().needs_images;
        let (left_out, units) = units
            .into_iter()
            .partition(|unit| needs_images && only.is_some() && unit.target() == only.copied());
        Self { units, left_out }
    }

    /// What the user should know before the search; `None` if everything is searched.
    pub fn warning(&self, detector: &dyn Detector, class_names: &[String]) -> Option<String> {
        let class = *targets(&self.left_out).first()?;
        let name = class_names
            .get(class)
            .map_or_else(String::new, |name| format!(" ({name})"));
        Some(format!(
            "all images are of class {class}{name}: {} searches the other classes with them, and not this one; give images \
             of another class to have it searched",
            detector.about().title
        ))
    }

    /// Adds what became of the units that are left out to what was found of the others.
    pub fn complete(&self, searched: &mut Searched<'_>) {
        searched.left_out = targets(&self.left_out);
        let findings = &mut searched.findings.units;
        let left_out = self.left_out.iter().map(|&unit| Finding {
            reason: Some(REASON.to_owned()),
            ..Finding::skipped(unit)
        });
        findings.extend(left_out);
        findings.sort_by_key(|finding| finding.unit);
    }
}
