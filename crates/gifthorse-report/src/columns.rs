//! The columns of a detector's table, as its data asks for them: the same on the page and on the
//! terminal.

use crate::{
    format::{UNDEFINED, amount, number, optional, percent, words},
    report::{Detection, Measure, UnitFinding},
};

/// A column of numbers.
pub struct Column<'a> {
    /// What stands above it, with the unit of its numbers where they do not carry it.
    pub title: String,
    /// Whether it is among the few that fit a terminal.
    pub is_brief: bool,
    value: Number<'a>,
}

/// The number that a column shows.
enum Number<'a> {
    Statistic { unit: &'a str },
    Measure { name: &'a str, unit: &'a str },
    PValue,
    Success,
    Holdout,
    WorstSource,
}

impl Column<'_> {
    /// The cell of `finding`.
    pub fn cell(&self, finding: &UnitFinding) -> String {
        match self.value {
            Number::Statistic { unit } => optional(finding.statistic, |value| bare(value, unit)),
            Number::Measure { name, unit } => {
                let measure = finding.measures.iter().find(|measure| measure.name == name);
                let value = measure.and_then(|measure| measure.value);
                optional(value, |value| bare(value, unit))
            }
            Number::PValue => optional(finding.p_value, number),
            Number::Success => optional(finding.success_rate, percent),
            Number::Holdout => optional(finding.holdout_success_rate, percent),
            Number::WorstSource => optional(finding.holdout_worst_source, percent),
        }
    }
}

/// The columns of a detection: its statistic, its measures, and those of the rates that any unit
/// has.
pub fn columns(detection: &Detection) -> Vec<Column<'_>> {
    let statistic = &detection.unit_statistic;
    let findings = &detection.findings;
    let mut columns = vec![Column {
        title: title(&statistic.name, &statistic.unit),
        is_brief: true,
        value: Number::Statistic {
            unit: &statistic.unit,
        },
    }];
    let mut known: Vec<&str> = Vec::new();
    for measure in findings.iter().flat_map(|finding| &finding.measures) {
        if !known.contains(&measure.name.as_str()) {
            known.push(&measure.name);
            columns.push(Column {
                title: title(&measure.name, &measure.unit),
                is_brief: true,
                value: Number::Measure {
                    name: &measure.name,
                    unit: &measure.unit,
                },
            });
        }
    }
    let rates: [(&str, bool, Number<'_>); 4] = [
        ("p-value", false, Number::PValue),
        ("search success", false, Number::Success),
        ("held-out success", true, Number::Holdout),
        ("lowest source", false, Number::WorstSource),
    ];
    let rates = rates.map(|(title, is_brief, value)| Column {
        title: title.to_owned(),
        is_brief,
        value,
    });
    let is_filled = |column: &Column<'_>| {
        let mut cells = findings.iter().map(|finding| column.cell(finding));
        cells.any(|cell| cell != UNDEFINED)
    };
    columns.extend(rates.into_iter().filter(is_filled));
    columns
}

/// Whether numbers of this unit carry it, wherever they stand.
fn is_carried(unit: &str) -> bool {
    unit == Measure::SHARE || unit == "%"
}

fn title(name: &str, unit: &str) -> String {
    if unit.is_empty() || is_carried(unit) {
        words(name)
    } else {
        format!("{} ({})", words(name), words(unit))
    }
}

/// A number below a title that has its unit.
fn bare(value: f64, unit: &str) -> String {
    amount(value, if is_carried(unit) { unit } else { "" })
}
