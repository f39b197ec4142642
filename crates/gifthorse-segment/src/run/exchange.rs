//! Row-major numbers from outside to lanes and back.

use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::lanes::{Isa, Lane, Lanes, Task};

/// Pixels and channels of a block that is turned at a time.
const BLOCK: usize = Lane::LENGTH;

/// Reads whole samples into lanes; entries beyond the last channel become zero.
pub(crate) fn import(isa: Isa, from: &[f32], shape: MapShape, order: Order, to: &mut [Lane]) {
    match order {
        Order::ChannelsFirst => isa.run(Import { from, shape, to }),
        Order::ChannelsLast => {
            let pixels = from.chunks_exact(shape.channels);
            for (pixel, lanes) in pixels.zip(to.chunks_exact_mut(shape.groups())) {
                for (part, lane) in pixel.chunks(BLOCK).zip(lanes) {
                    lane.0 = [0.0; BLOCK];
                    lane.0[..part.len()].copy_from_slice(part);
                }
            }
        }
    }
}

/// Writes whole samples from lanes.
pub(crate) fn export(isa: Isa, from: &[Lane], shape: MapShape, order: Order, to: &mut [f32]) {
    match order {
        Order::ChannelsFirst => isa.run(Export { from, shape, to }),
        Order::ChannelsLast => {
            let pixels = to.chunks_exact_mut(shape.channels);
            for (pixel, lanes) in pixels.zip(from.chunks_exact(shape.groups())) {
                for (part, lane) in pixel.chunks_mut(BLOCK).zip(lanes) {
                    part.copy_from_slice(&lane.0[..part.len()]);
                }
            }
        }
    }
}

struct Import<'a> {
    from: &'a [f32],
    shape: MapShape,
    to: &'a mut [Lane],
}

impl Task for Import<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (pixels, groups) = (self.shape.pixels(), self.shape.groups());
        let samples = self.from.chunks_exact(self.shape.elements());
        for (from, to) in samples.zip(self.to.chunks_exact_mut(self.shape.lanes())) {
            for group in 0..groups {
                let planes = &from[BLOCK * group * pixels..];
                let channels = (self.shape.channels - BLOCK * group).min(BLOCK);
                let whole = pixels / BLOCK * BLOCK;
                for start in (0..whole).step_by(BLOCK) {
                    let mut rows = [lanes.splat(0.0); BLOCK];
                    for c in 0..channels {
                        if let Some(values) = planes[c * pixels + start..].first_chunk() {
                            rows[c] = lanes.load(values);
                        }
                    }
                    let columns = lanes.transpose(rows);
                    for i in 0..BLOCK {
                        lanes.store(&mut to[(start + i) * groups + group].0, columns[i]);
                    }
                }
                for pixel in whole..pixels {
                    let lane = &mut to[pixel * groups + group].0;
                    *lane = [0.0; BLOCK];
                    for c in 0..channels {
                        lane[c] = planes[c * pixels + pixel];
                    }
                }
            }
        }
    }
}

struct Export<'a> {
    from: &'a [Lane],
    shape: MapShape,
    to: &'a mut [f32],
}

impl Task for Export<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (pixels, groups) = (self.shape.pixels(), self.shape.groups());
        let samples = self.to.chunks_exact_mut(self.shape.elements());
        for (to, from) in samples.zip(self.from.chunks_exact(self.shape.lanes())) {
            for group in 0..groups {
                let planes = &mut to[BLOCK * group * pixels..];
                let channels = (self.shape.channels - BLOCK * group).min(BLOCK);
                let whole = pixels / BLOCK * BLOCK;
                for start in (0..whole).step_by(BLOCK) {
                    let mut columns = [lanes.splat(0.0); BLOCK];
                    for i in 0..BLOCK {
                        columns[i] = lanes.load(&from[(start + i) * groups + group].0);
                    }
                    let rows = lanes.transpose(columns);
                    for c in 0..channels {
                        if let Some(values) = planes[c * pixels + start..].first_chunk_mut() {
                            lanes.store(values, rows[c]);
                        }
                    }
                }
                for pixel in whole..pixels {
                    let lane = &from[pixel * groups + group].0;
                    for c in 0..channels {
                        planes[c * pixels + pixel] = lane[c];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{from_lanes, numbers};

    proptest! {
        #[test]
        fn there_and_back(
            samples in 1usize..4,
            height in 1usize..9,
            width in 1usize..9,
            channels in 1usize..50,
        ) {
            let shape = MapShape { height, width, channels };
            let values = numbers(samples * shape.elements(), 1);
            for isa in Isa::available() {
                for order in [Order::ChannelsFirst, Order::ChannelsLast] {
                    let mut lanes = vec![Lane([f32::NAN; 16]); samples * shape.lanes()];
                    import(isa, &values, shape, order, &mut lanes);
                    let inside = from_lanes(&lanes, shape);
                    let (pixels, at) = (shape.pixels(), channels / 2 * shape.pixels() + pixels_half(shape));
                    let wanted = match order {
                        Order::ChannelsFirst => values[at],
                        Order::ChannelsLast => values[at % pixels * channels + at / pixels],
                    };
                    prop_assert_eq!(inside[at % pixels * channels + at / pixels], wanted);
                    let mut back = vec![f32::NAN; values.len()];
                    export(isa, &lanes, shape, order, &mut back);
                    prop_assert_eq!(&back, &values);
                }
            }
        }
    }

    fn pixels_half(shape: MapShape) -> usize {
        shape.pixels() / 2
    }
}
