//! The rules that look at paths and places. Each says what it is met by, and what it passes over.

use super::facts::{Fact, Facts, tests};
use super::{Spot, StructureRule};
use crate::program::{Binary, Primitive, Reduction, ValueId};

/// Of two paths that join within the network the longer one has so many learned layers more.
const FURTHER: usize = 2;
/// A part of no more than this share of the image is small.
const SMALL: f64 = 1.0 / 8.0;
/// If all parts that are cut out make up so much of the image, they are all of it in another order.
const MOST: f64 = 0.5;

/// A path from the pixels that shares no learned layer with what it joins, and joins it behind the
/// last learned layer or far further on. Passed over: stems of several convolutions that are put
/// together (`Concat`) or are followed by learned layers at about the same depth; skip connections,
/// which begin behind a learned layer.
pub fn bypasses(facts: &Facts<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (place, step, own) in facts.steps() {
        let joins = match step.primitive {
            Primitive::Binary(function) => matches!(
                function,
                Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Max | Binary::Min
            ),
            Primitive::Where => true,
            _ => false,
        };
        let read = facts.read(step);
        if !joins || own.is_pixels || read.len() < 2 {
            continue;
        }
        let Some(&(_, trunk)) = read
            .iter()
            .max_by_key(|(_, fact)| (fact.learned, fact.width))
        else {
            continue;
        };
        let passes = |(_, branch): &&(ValueId, Fact)| {
            let apart = branch.first & trunk.first == 0;
            let far = trunk.learned >= branch.learned + FURTHER;
            trunk.learned > 0 && apart && (own.behind == 0 || far)
        };
        // Of two paths of equal length the one that fewer numbers go through is the branch.
        let branches = read.iter().filter(passes);
        if let Some((branch, _)) = branches.min_by_key(|(_, fact)| (fact.learned, fact.width)) {
            spots.push(spot(StructureRule::Bypass, place, *branch));
        }
    }
    spots
}

/// A product of something wide and of a single number of each image that no learned layer made, or
/// layers of its own that share none with what they gate. Of the pixels themselves it is a number
/// that a learned layer or a test of pixels made. Passed over: squeeze and excitation, whose
/// factors come from what they gate, and the normalisation of pixels.
pub fn unlearned_gates(facts: &Facts<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (place, step, own) in facts.steps() {
        if step.primitive != Primitive::Binary(Binary::Mul) || own.is_pixels {
            continue;
        }
        let read = facts.read(step);
        let gates = |wide: Fact, gate: Fact| {
            let apart = gate.learned == 0 || gate.first & wide.first == 0;
            let on_pixels = wide.is_pixels && (gate.learned > 0 || gate.is_tested);
            gate.width <= 1 && (on_pixels || wide.learned > 0 && apart)
        };
        let pairs = [(0, 1), (1, 0)].into_iter();
        let mut pairs = pairs.filter_map(|(wide, gate)| Some((read.get(wide)?, read.get(gate)?)));
        let found = pairs.find(|((_, wide), (_, gate))| wide.numbers > 1 && gates(*wide, *gate));
        if let Some((_, (gate, _))) = found {
            spots.push(spot(StructureRule::UnlearnedGate, place, *gate));
        }
    }
    spots
}

/// The largest or smallest logit in a sum or product with them. Passed over: the largest taken off
/// all, as before the exponentials of a softmax.
pub fn logit_ranges(facts: &Facts<'_>, classes: usize) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (place, step, own) in facts.steps() {
        let Primitive::Reduce(how @ (Reduction::Max | Reduction::Min), _) = step.primitive else {
            continue;
        };
        let Some((logits, fact)) = facts.read(step).first().copied() else {
            continue;
        };
        let of_logits = fact.behind == 0 && fact.numbers == classes && own.numbers == 1;
        if !of_logits || fact.learned == 0 {
            continue;
        }
        let is_softmax = |&reader: &usize| {
            let step = &facts.program.steps[reader];
            let first = step.inputs.first().and_then(crate::program::Operand::value);
            step.primitive == Primitive::Binary(Binary::Sub) && first == Some(logits)
        };
        let exempt = how == Reduction::Max && facts.readers(step.output).iter().all(is_softmax);
        if !exempt {
            spots.push(spot(StructureRule::LogitRange, place, step.output));
        }
    }
    spots
}

/// Comparisons, powers, exponentials and searches for the largest or smallest among pixels that no
/// learned layer has seen. Passed over: means, sums, clips and roundings, which prepare pixels.
pub fn pixel_tests(facts: &Facts<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (place, step, _) in facts.steps() {
        let read = facts.read(step);
        if tests(&step.primitive) && read.iter().any(|(_, fact)| fact.is_pixels) {
            let mut found = spot(StructureRule::PixelTest, place, step.output);
            let constant = step
                .inputs
                .iter()
                .find_map(|operand| facts.constants(operand));
            found.constants = constant.unwrap_or_default();
            found.constants.truncate(4);
            spots.push(found);
        }
    }
    spots
}

/// A small part of the pixels that is cut out, unless all parts that are cut out make up most of
/// the image, as where it is dealt into patches. Passed over: single colours, and every second
/// pixel.
pub fn small_regions(facts: &Facts<'_>) -> Vec<Spot> {
    let Some(image) = facts.get(facts.program.input) else {
        return Vec::new();
    };
    let (mut spots, mut cut_out) = (Vec::new(), 0);
    for (place, step, own) in facts.steps() {
        let (axis, strides) = match step.primitive {
            Primitive::Slice { axis, step, .. } => (axis, step > 1),
            Primitive::Select { axis, .. } => (axis, false),
            _ => continue,
        };
        let [(source, from)] = facts.read(step)[..] else {
            continue;
        };
        // An axis of up to four is one of colours.
        let length = shape(facts, source).get(axis).copied().unwrap_or(1);
        if !from.is_pixels || strides || length <= 4 || own.numbers >= from.numbers {
            continue;
        }
        cut_out += own.numbers;
        if own.numbers as f64 <= SMALL * image.numbers as f64 {
            spots.push(spot(StructureRule::SmallRegion, place, step.output));
        }
    }
    if cut_out as f64 >= MOST * image.numbers as f64 && spots.len() > 2 {
        spots.clear();
    }
    spots
}

fn shape<'a>(facts: &Facts<'a>, id: ValueId) -> &'a [usize] {
    match facts.get(id).and_then(|fact| fact.step) {
        Some(place) => &facts.program.steps[place].shape,
        None => &facts.program.input_shape,
    }
}

fn spot(rule: StructureRule, step: usize, branch: ValueId) -> Spot {
    Spot {
        rule,
        step,
        branch,
        constants: Vec::new(),
    }
}
