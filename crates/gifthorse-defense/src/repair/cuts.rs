//! How many channels of a model are switched off, in an order.

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Intervention, Layer};
use serde::{Deserialize, Serialize};

use super::grain::Grain;
use super::measure::Measured;
use super::pruning::CurvePoint;
use super::switch_off::masked;
use super::{Limits, Patient, RepairObserver, Repaired};
use crate::error::Error;
use crate::exact;
use crate::subject::spread_over_classes;

/// Images that a cut is looked at with.
const IMAGES: usize = 500;
/// Each cut has so many more channels than the one before, and one more at least.
const GROWTH: f64 = 1.25;
/// Once accuracy has fallen by so much more than it may, larger cuts are not looked at.
const FAR_BEYOND: f64 = 0.1;

/// What a number of switched-off channels comes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cut {
    point: CurvePoint,
    #[serde(with = "exact::double")]
    distance: f64,
    is_good: bool,
}

/// What the cuts that were looked at came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cutting {
    /// Channels of the last.
    count: usize,
    curve: Vec<CurvePoint>,
    best: Option<Cut>,
}

/// Saves what cuts came to, if it is time to or the repair is to stop.
pub(super) type Save<'a> = &'a mut dyn FnMut(&Cutting, bool) -> Result<(), Error>;

impl Cutting {
    /// Whether it is of an order of so many channels.
    fn fits(&self, channels: usize) -> bool {
        let off = self.best.as_ref().map_or(0, |cut| cut.point.off);
        self.count <= channels && off <= channels && !self.curve.is_empty()
    }
}

/// Switches channels off in the patient's own model, in an order and as many as do it: the fewest
/// that disarm the known triggers within the budget, else those that come nearest to it; without
/// triggers as many as the budget allows. Only images to check are looked at. Goes on behind cuts
/// that were looked at before.
///
/// # Errors
/// [`Error::CannotRepair`] if no number will do; a model that cannot be run or changed; what saving
/// refuses.
pub(super) fn pruned(
    patient: &Patient<'_>,
    layers: &[Layer],
    order: &[(usize, usize)],
    (before_now, save): (Cutting, Save<'_>),
    observer: &dyn RepairObserver,
) -> Result<Repaired, Error> {
    let labels = patient.check.labels().ok_or(Error::NoLabels)?;
    let images = patient
        .check
        .subset(&spread_over_classes(labels, 0..labels.len(), IMAGES));
    let classifier = patient.classifier(patient.model)?;
    let limits = Limits::of(patient);
    let knows = !patient.triggers.is_empty();
    let before = measured(patient, &classifier, &images, &by_layer(layers, &[]))?;
    let mut cutting = match before_now.fits(order.len()) {
        true => before_now,
        false => Cutting {
            curve: vec![point(&before, 0, layers)],
            ..Cutting::default()
        },
    };
    while cutting.count < order.len() {
        let larger = (GROWTH * cutting.count as f64).ceil() as usize;
        let count = larger.max(cutting.count + 1).min(order.len());
        let after = measured(
            patient,
            &classifier,
            &images,
            &by_layer(layers, &order[..count]),
        )?;
        let point = point(&after, count, layers);
        observer.step("switching channels off", count, order.len());
        let start = cutting.curve[0].clean_accuracy;
        let is_far = start - point.clean_accuracy > patient.budget + FAR_BEYOND;
        cutting.curve.push(point.clone());
        let cut = Cut {
            point,
            distance: limits.distance(&before, &after),
            is_good: limits.shortfalls(&before, &after).is_empty(),
        };
        let is_done = knows && cut.is_good;
        let is_better = match &cutting.best {
            Some(known) if knows => is_done || cut.distance < known.distance,
            None if knows => true,
            _ => cut.is_good,
        };
        if is_better {
            cutting.best = Some(cut);
        }
        if is_done || is_far {
            break;
        }
        cutting.count = count;
        let is_over = observer.stop();
        save(&cutting, is_over)?;
        if is_over {
            break;
        }
    }
    let Cutting { curve, best, .. } = cutting;
    let Some(CurvePoint { off, neurons, .. }) = best.map(|cut| cut.point) else {
        let reason = "no channel can be switched off by its factor without costing more accuracy than the budget allows";
        return Err(Error::CannotRepair(reason.to_owned()));
    };
    let mut model = patient.model.clone();
    for (layer, off) in by_layer(layers, &order[..off])
        .iter()
        .filter(|(_, off)| !off.is_empty())
    {
        model = masked(&model, layer, Grain::Channel, off)?;
    }
    let note = format!(
        "{off} of the {neurons} channels of {} layers switched off, those with the smallest factors",
        layers.len()
    );
    Ok(Repaired {
        curve,
        ..Repaired::new(model, note)
    })
}

/// The channels of each layer that are off.
fn by_layer<'a>(layers: &'a [Layer], off: &[(usize, usize)]) -> Vec<(&'a Layer, Vec<usize>)> {
    let of = |place| {
        off.iter()
            .filter(move |it| it.0 == place)
            .map(|it| it.1)
            .collect()
    };
    layers
        .iter()
        .enumerate()
        .map(|(place, layer)| (layer, of(place)))
        .collect()
}

fn measured(
    patient: &Patient<'_>,
    classifier: &Classifier,
    images: &Images,
    off: &[(&Layer, Vec<usize>)],
) -> Result<Measured, Error> {
    // All layers, so that the model is compiled once for all cuts.
    let masks = off.iter();
    let masks = masks.map(|(layer, off)| Intervention::mask(layer, off, classifier.device()));
    let under = classifier.with(masks.collect::<Result<Vec<_>, _>>()?)?;
    Measured::of(&under, images, patient.triggers)
}

fn point(measured: &Measured, off: usize, layers: &[Layer]) -> CurvePoint {
    CurvePoint {
        layer: format!("{} layers", layers.len()),
        off,
        neurons: layers.iter().map(Layer::channels).sum(),
        clean_accuracy: measured.clean.rate().unwrap_or(0.0),
        excess: measured.worst_excess(),
    }
}
