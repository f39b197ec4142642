//! A rearrangement as runs of lanes that are copied whole and lanes that are put together.

use super::Origin;
use crate::lanes::across::first_or;
use crate::lanes::map::MapShape;
use crate::lanes::{Lane, Lanes};

/// How many constant lanes are searched for one that is wanted again.
const REMEMBERED: usize = 16;

/// How the lanes of one sample's output are made, in order.
#[derive(Debug)]
pub(super) struct Plan {
    runs: Vec<Run>,
    /// For each element of a lane that is put together: the source in the highest bits and, below
    /// [`Plan::shift`], its place in the source, counting unspecified entries, too.
    places: Vec<u32>,
    shift: u32,
    /// The last source: constants, each lane once.
    constants: Vec<Lane>,
    /// Number of inputs, which is the number of the last source.
    inputs: usize,
    shape: MapShape,
}

/// Neighbouring lanes of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// Neighbouring lanes of a source.
    Copied { source: u32, first: u32, count: u32 },
    /// A constant lane, repeated.
    Filled { constant: u32, count: u32 },
    /// Lanes put together from [`Plan::places`], sixteen each.
    Gathered { count: u32 },
}

/// What one lane of the output is.
enum LaneOrigin {
    Copy { input: usize, lane: usize },
    Constant(Lane),
    Mixed,
}

impl Plan {
    /// `None` where [`super::Rearrange::new`] is.
    pub(super) fn new(inputs: &[MapShape], shape: MapShape, origins: &[Origin]) -> Option<Self> {
        let known = |origin: &Origin| match *origin {
            Origin::Input { input, element } => inputs
                .get(input)
                .is_some_and(|shape| element < shape.elements()),
            Origin::Constant(_) => true,
        };
        let empty = shape.elements() == 0;
        if empty || origins.len() != shape.elements() || !origins.iter().all(known) {
            return None;
        }
        let shift = (inputs.len())
            .leading_zeros()
            .saturating_sub(usize::BITS - u32::BITS);
        let mut plan = Self {
            runs: Vec::new(),
            places: Vec::new(),
            shift,
            constants: Vec::new(),
            inputs: inputs.len(),
            shape,
        };
        let fits = |lanes: usize| lanes * Lane::LENGTH <= 1usize << shift;
        if !inputs
            .iter()
            .chain([&shape])
            .all(|shape| fits(shape.lanes()))
        {
            return None;
        }
        for pixel in origins.chunks_exact(shape.channels) {
            for lane in pixel.chunks(Lane::LENGTH) {
                match lane_origin(inputs, lane) {
                    LaneOrigin::Copy { input, lane } => plan.copy(input as u32, lane as u32),
                    LaneOrigin::Constant(lane) => plan.fill(lane),
                    LaneOrigin::Mixed => plan.gather(inputs, lane),
                }
            }
        }
        fits(plan.constants.len()).then_some(plan)
    }

    fn copy(&mut self, from: u32, lane: u32) {
        if let Some(Run::Copied {
            source,
            first,
            count,
        }) = self.runs.last_mut()
            && *source == from
            && *first + *count == lane
        {
            *count += 1;
        } else {
            self.runs.push(Run::Copied {
                source: from,
                first: lane,
                count: 1,
            });
        }
    }

    fn fill(&mut self, lane: Lane) {
        let wanted = self.constant(lane);
        if let Some(Run::Filled { constant, count }) = self.runs.last_mut()
            && *constant == wanted
        {
            *count += 1;
        } else {
            self.runs.push(Run::Filled {
                constant: wanted,
                count: 1,
            });
        }
    }

    fn gather(&mut self, inputs: &[MapShape], lane: &[Origin]) {
        for origin in lane {
            let (source, place) = match *origin {
                Origin::Input { input, element } => (input, place(inputs[input], element)),
                Origin::Constant(value) => {
                    let lane = self.constant(Lane([value; Lane::LENGTH]));
                    (self.inputs, lane as usize * Lane::LENGTH)
                }
            };
            self.places.push((source << self.shift | place) as u32);
        }
        // Entries beyond the last channel repeat one that exists.
        let last = self.places.last().copied().unwrap_or_default();
        let missing = Lane::LENGTH - lane.len();
        self.places.extend(std::iter::repeat_n(last, missing));
        if let Some(Run::Gathered { count }) = self.runs.last_mut() {
            *count += 1;
        } else {
            self.runs.push(Run::Gathered { count: 1 });
        }
    }

    /// The number of a constant lane. One that has been used lately is used again.
    fn constant(&mut self, lane: Lane) -> u32 {
        let bits = |lane: &Lane| lane.0.map(f32::to_bits);
        let wanted = bits(&lane);
        let latest = self.constants.len().saturating_sub(REMEMBERED);
        let found = (latest..self.constants.len()).find(|&i| bits(&self.constants[i]) == wanted);
        let number = found.unwrap_or_else(|| {
            self.constants.push(lane);
            self.constants.len() - 1
        });
        number as u32
    }

    /// Whether all lanes are copied or constant.
    pub(super) fn is_lanewise(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the lanes of the first input are copied in order.
    pub(super) fn is_identity(&self) -> bool {
        let whole = Run::Copied {
            source: 0,
            first: 0,
            count: self.shape.lanes() as u32,
        };
        self.runs == [whole]
    }

    /// The last source.
    pub(super) fn constants(&self) -> &[Lane] {
        &self.constants
    }

    /// Memory of the plan.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.runs[..])
            + size_of_val(&self.places[..])
            + size_of_val(&self.constants[..])
    }

    /// Makes the lanes of one sample, in order. `sources` are the inputs' lanes for this sample,
    /// and [`Plan::constants`].
    #[inline(always)]
    pub(super) fn each_lane(&self, sources: &[&[Lane]], mut make: impl FnMut(usize, &Lane)) {
        let (mut at, mut places) = (0, self.places.as_chunks::<{ Lane::LENGTH }>().0.iter());
        for run in &self.runs {
            match *run {
                Run::Copied {
                    source,
                    first,
                    count,
                } => {
                    let lanes = &sources[source as usize][first as usize..][..count as usize];
                    for lane in lanes {
                        make(at, lane);
                        at += 1;
                    }
                }
                Run::Filled { constant, count } => {
                    for _ in 0..count {
                        make(at, &self.constants[constant as usize]);
                        at += 1;
                    }
                }
                Run::Gathered { count } => {
                    for places in places.by_ref().take(count as usize) {
                        let mut lane = Lane::default();
                        for (number, place) in lane.0.iter_mut().zip(places) {
                            let (source, place) = self.split(*place);
                            *number = sources[source][place / Lane::LENGTH].0[place % Lane::LENGTH];
                        }
                        make(at, &lane);
                        at += 1;
                    }
                }
            }
        }
    }

    /// Source and place in it.
    #[inline(always)]
    fn split(&self, place: u32) -> (usize, usize) {
        let place = u64::from(place);
        let in_source = place & ((1 << self.shift) - 1);
        ((place >> self.shift) as usize, in_source as usize)
    }

    /// Adds the gradients of one sample's elements to the elements of an input that they came from.
    #[inline(always)]
    pub(super) fn add_back<L: Lanes>(
        &self,
        l: L,
        input: usize,
        gradient: &[Lane],
        sums: &mut [Lane],
    ) {
        let (mut at, mut places) = (0, self.places.as_chunks::<{ Lane::LENGTH }>().0.iter());
        for run in &self.runs {
            match *run {
                Run::Copied {
                    source,
                    first,
                    count,
                } => {
                    let lanes = (at..).zip(first as usize..).take(count as usize);
                    for (at, to) in lanes.filter(|_| source as usize == input) {
                        // The input may have channels where the output has none left.
                        let present = self.shape.present(at % self.shape.groups());
                        let gradient = first_or(l, l.load(&gradient[at].0), present, 0.0);
                        let value = l.add(l.load(&sums[to].0), gradient);
                        l.store(&mut sums[to].0, value);
                    }
                    at += count as usize;
                }
                Run::Filled { count, .. } => at += count as usize,
                Run::Gathered { count } => {
                    for places in places.by_ref().take(count as usize) {
                        let present = self.shape.present(at % self.shape.groups());
                        for (place, gradient) in places.iter().zip(&gradient[at].0).take(present) {
                            let (source, place) = self.split(*place);
                            if source == input {
                                sums[place / Lane::LENGTH].0[place % Lane::LENGTH] += gradient;
                            }
                        }
                        at += 1;
                    }
                }
            }
        }
    }
}

/// The place in memory of an element.
fn place(shape: MapShape, element: usize) -> usize {
    let (pixel, channel) = (element / shape.channels, element % shape.channels);
    pixel * shape.groups() * Lane::LENGTH + channel
}

fn lane_origin(inputs: &[MapShape], origins: &[Origin]) -> LaneOrigin {
    match origins[0] {
        Origin::Input { input, element } => {
            let shape = inputs[input];
            let start = place(shape, element);
            let follows = |(i, origin): (usize, &Origin)| match *origin {
                Origin::Input {
                    input: other,
                    element,
                } => other == input && place(shape, element) == start + i,
                Origin::Constant(_) => false,
            };
            if start.is_multiple_of(Lane::LENGTH) && origins.iter().enumerate().all(follows) {
                LaneOrigin::Copy {
                    input,
                    lane: start / Lane::LENGTH,
                }
            } else {
                LaneOrigin::Mixed
            }
        }
        Origin::Constant(first) => {
            let mut lane = Lane([first; Lane::LENGTH]);
            for (number, origin) in lane.0.iter_mut().zip(origins) {
                match *origin {
                    Origin::Constant(value) => *number = value,
                    Origin::Input { .. } => return LaneOrigin::Mixed,
                }
            }
            LaneOrigin::Constant(lane)
        }
    }
}
