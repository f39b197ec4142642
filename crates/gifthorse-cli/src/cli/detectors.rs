//! Which detectors to run, and how: the same flags wherever a model is scanned.

use clap::Args;
use gifthorse_defense::detect::{Choice, DETECTORS, Effort};

/// Flags that follow from the table of detectors.
#[derive(Args, Clone, Debug)]
pub struct DetectorArgs {
    /// Run these detectors, such as mm_bd, or `thorough` for all there are [default: those whose
    /// findings in clean models are known, so that they have a part in the verdict].
    #[arg(
        long = "detector",
        visible_alias = "detectors",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = names(),
        help_heading = "Search"
    )]
    names: Vec<String>,
    /// Settings of the detectors by name: `standard`, or as in their `paper`, or as `released` by
    /// its authors. A detector that has no such settings keeps `standard`.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "standard",
        value_parser = presets(),
        help_heading = "Search"
    )]
    preset: String,
}

/// The name that stands for all detectors.
const THOROUGH: &str = "thorough";

fn names() -> Vec<&'static str> {
    let rows = DETECTORS.iter().map(|row| row.about.name);
    rows.chain([THOROUGH]).collect()
}

fn presets() -> Vec<&'static str> {
    let mut presets: Vec<&str> = Vec::new();
    for preset in DETECTORS.iter().flat_map(|row| row.about.presets) {
        if !presets.contains(preset) {
            presets.push(preset);
        }
    }
    presets
}

impl DetectorArgs {
    /// The detectors that were asked for, in the order of the table.
    ///
    /// # Errors
    /// Settings that none of them has.
    pub fn choices(&self, effort: Effort) -> anyhow::Result<Vec<Choice>> {
        let mut choices = if self.names.is_empty() {
            Choice::usual()
        } else {
            Choice::all()
        };
        if !self.names.is_empty() && !self.names.iter().any(|name| name == THOROUGH) {
            choices.retain(|choice| self.names.contains(&choice.name));
        }
        let mut has_it = false;
        for choice in &mut choices {
            choice.effort = effort;
            let about = DETECTORS.iter().map(|row| row.about);
            let mut named = about.filter(|about| about.name == choice.name);
            if named.any(|about| about.presets.contains(&self.preset.as_str())) {
                choice.preset.clone_from(&self.preset);
                has_it = true;
            }
        }
        anyhow::ensure!(
            has_it,
            "none of these detectors has the settings {:?} (--preset)",
            self.preset
        );
        Ok(choices)
    }
}
