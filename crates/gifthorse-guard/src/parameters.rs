//! What an answer is told of its images: parameters of the protocol.

use crate::judge::Judged;
use crate::refusal::list;

/// Parameters of an answer, by name. The protocol has no lists, so what there is for each image is
/// a text with commas between; of one image it is one number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameters(pub(crate) Vec<(&'static str, Value)>);

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Flag(bool),
    Text(String),
}

impl Parameters {
    /// What was found of each image.
    pub(crate) fn of(judged: &[Judged]) -> Self {
        let flagged = flagged(judged);
        let each = |number| Value::Text(each(judged, number));
        Self(vec![
            ("gifthorse_flagged", Value::Flag(!flagged.is_empty())),
            ("gifthorse_flagged_images", Value::Text(list(&flagged))),
            ("gifthorse_score", each(|judged| judged.score)),
            ("gifthorse_p_value", each(|judged| judged.p_value)),
        ])
    }

    /// Why nothing was found of them.
    pub(crate) fn unjudged(reason: &str) -> Self {
        let reason = Value::Text(reason.to_owned());
        Self(vec![("gifthorse_unjudged", reason)])
    }

    /// Says also which answers are safe labels.
    pub(crate) fn replaced(mut self, places: &[usize]) -> Self {
        let places = Value::Text(list(places));
        self.0.push(("gifthorse_replaced_images", places));
        self
    }
}

/// A number for each image, separated by commas.
pub(crate) fn each(judged: &[Judged], number: fn(&Judged) -> f64) -> String {
    let numbers: Vec<String> = judged.iter().map(|j| number(j).to_string()).collect();
    numbers.join(",")
}

/// The places of flagged images.
pub(crate) fn flagged(judged: &[Judged]) -> Vec<usize> {
    let places = judged.iter().enumerate();
    let flagged = places.filter(|(_, judged)| judged.flagged);
    flagged.map(|(place, _)| place).collect()
}
