//! How a value of the program is held in a segment, and how it comes into the form that an
//! operation wants.

use gifthorse_segment::{Graph, MapShape, Operation, Order, Origin, Value};

/// Most elements of a value that is put in another order, or put together from others: tables take
/// some bytes for each.
pub const MOST_REARRANGED: usize = 1 << 24;

/// A value of the segment's graph; the row-major elements of one sample, whatever their shape, are
/// in this order of its map.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub value: Value,
    pub order: Order,
}

/// Where element `row_major` of a sample is in the order `[pixel][channel]`.
fn place(map: MapShape, order: Order, row_major: usize) -> usize {
    match order {
        Order::ChannelsLast => row_major,
        Order::ChannelsFirst => {
            let pixels = map.pixels();
            row_major % pixels * map.channels + row_major / pixels
        }
    }
}

/// The other way.
pub fn row_major(map: MapShape, order: Order, place: usize) -> usize {
    match order {
        Order::ChannelsLast => place,
        Order::ChannelsFirst => place % map.channels * map.pixels() + place / map.channels,
    }
}

/// Whether both orders are the same.
fn orders_agree(map: MapShape) -> bool {
    map.pixels() == 1 || map.channels == 1
}

impl Held {
    /// The same elements as a map of this shape and order.
    pub fn form(self, graph: &mut Graph, map: MapShape, order: Order) -> Option<Value> {
        let from = graph.shape(self.value);
        if from.elements() != map.elements() {
            return None;
        }
        let alike = from.channels == map.channels && (self.order == order || orders_agree(map));
        if alike {
            return match from == map {
                true => Some(self.value),
                false => graph.recast(self.value, map),
            };
        }
        let elements = (0..map.elements()).map(|at| Element::Of(0, row_major(map, order, at)));
        rearrange(graph, "reorder", &[self], elements, map)
    }

    /// The elements as rows of `length`, a row for each pixel.
    pub fn rows(self, graph: &mut Graph, length: usize) -> Option<Value> {
        let from = graph.shape(self.value);
        if from.channels == length && (self.order == Order::ChannelsLast || orders_agree(from)) {
            return Some(self.value);
        }
        let map = MapShape {
            height: 1,
            width: from.elements().checked_div(length)?,
            channels: length,
        };
        self.form(graph, map, Order::ChannelsLast)
    }
}

/// Where an element of a rearranged map comes from.
#[derive(Clone, Copy, Debug)]
pub enum Element {
    /// Number of a part, and row-major number in it.
    Of(usize, usize),
    Constant(f32),
}

/// A map whose elements are given in the order `[pixel][channel]`.
pub fn rearrange(
    graph: &mut Graph,
    name: &str,
    parts: &[Held],
    elements: impl Iterator<Item = Element>,
    output: MapShape,
) -> Option<Value> {
    let elements_of = |part: &Held| graph.shape(part.value).elements();
    let most = parts
        .iter()
        .map(elements_of)
        .fold(output.elements(), usize::max);
    if most > MOST_REARRANGED {
        return None;
    }
    let origins: Vec<Origin> = elements
        .map(|element| match element {
            Element::Of(input, index) => {
                let part = parts[input];
                let element = place(graph.shape(part.value), part.order, index);
                Origin::Input { input, element }
            }
            Element::Constant(value) => Origin::Constant(value),
        })
        .collect();
    let inputs: Vec<Value> = parts.iter().map(|part| part.value).collect();
    let operation = Operation::Rearrange {
        output,
        origins: &origins,
    };
    graph.add(name, operation, &inputs)
}
