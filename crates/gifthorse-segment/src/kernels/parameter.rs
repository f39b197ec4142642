//! Weights that are known only when a plan is bound.

/// A weight or bias of a graph that [`Plan::bind`](crate::Plan::bind) gives values to; counted from
/// 0 in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter(pub(crate) usize);

/// What a parameter is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// As many as were announced.
    pub values: &'a [f32],
    /// Whether backward passes compute the gradient to it.
    pub gradient: bool,
}

/// The weight and the bias of a convolution.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Known when the segment is compiled.
    Fixed {
        /// As the convolution says.
        weight: &'a [f32],
        /// `[out]`
        bias: Option<&'a [f32]>,
    },
    /// Parameters of the segment.
    Trained {
        /// As long as the convolution says.
        weight: Parameter,
        /// As long as there are output channels.
        bias: Option<Parameter>,
    },
}
