//! What a step can compute: the operations that a model is lowered to.

use gifthorse_segment::Window;

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// `e^x`
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`
    Reciprocal,
    /// Hyperbolic tangent.
    Tanh,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// Gauss error function.
    Erf,
    /// Sign; no gradient.
    Sign,
    /// Rounded down; no gradient.
    Floor,
    /// Rounded up; no gradient.
    Ceil,
    /// Rounded to even; no gradient.
    Round,
    /// Rounded to even; its gradient is that of `x`.
    RoundThrough,
    /// `max(x, 0)`
    Relu,
    /// Logistic function.
    Sigmoid,
    /// `x` where positive, the given multiple elsewhere.
    LeakyRelu(f32),
    /// `x` where positive, `alpha (e^x - 1)` elsewhere, all times `gamma`.
    Elu {
        /// Scale of the negative part.
        alpha: f32,
        /// Scale of everything (1 for Elu, 1.0507 for Selu).
        gamma: f32,
    },
    /// `ln(1 + e^x)`
    Softplus,
    /// `x` kept between two bounds.
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// `max(0, min(1, alpha x + beta))`
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x + c`
    AddScalar(f32),
    /// `c x`
    MulScalar(f32),
    /// `x ^ c`
    PowScalar(f32),
    /// 1 where `x` is zero, 0 elsewhere.
    Not,
}

/// Functions of two numbers; arrays broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a ^ b`
    Pow,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// 1 where `a = b`, else 0.
    Equal,
    /// 1 where `a > b`, else 0.
    Greater,
    /// 1 where `a >= b`, else 0.
    GreaterEqual,
    /// 1 where `a < b`, else 0.
    Less,
    /// 1 where `a <= b`, else 0.
    LessEqual,
}

/// How an axis is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Sum.
    Sum,
    /// Mean.
    Mean,
    /// Largest.
    Max,
    /// Smallest.
    Min,
    /// Product.
    Prod,
}

/// One operation. Operand order is given with each.
#[derive(Clone, Debug, PartialEq)]
pub enum Primitive {
    /// Operands: input `[n, c, h, w]`, weight `[out, c / groups, kh, kw]`, bias `[out]` if any.
    Conv {
        /// Geometry.
        window: Window,
        /// Number of groups.
        groups: usize,
    },
    /// Operands: input `[n, c, h, w]`, weight `[c, out / groups, kh, kw]`, bias `[out]` if any.
    ConvTranspose {
        /// Geometry; the pads are taken off the output.
        window: Window,
        /// Rows and columns added at the end of the output.
        output_padding: [usize; 2],
        /// Number of groups.
        groups: usize,
    },
    /// Operands: two arrays of rank two or more; leading axes broadcast.
    MatMul,
    /// Operand: `[n, c, h, w]`; padding counts as minus infinity.
    MaxPool(Window),
    /// Operands: `[n, c, h, w]` and, where windows do not all count the same
    /// number of entries, a `[1, 1, oh, ow]` factor that corrects the mean.
    AvgPool(Window),
    /// Operands: `[n, c, ...]`, scale, bias, mean and variance `[c]` each.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// Operands: `[n, c, ...]`, scale and bias `[c]`; normalised with the mean and variance of each
    /// channel over all else.
    BatchNormOfBatch {
        /// Added to the variance.
        epsilon: f32,
        /// Which of the program's `running` its statistics are for.
        tag: usize,
    },
    /// Entries set to zero at random in each run, the others divided by `1 - ratio`.
    Dropout {
        /// The probability that an entry is dropped, below 1.
        ratio: f32,
        /// Tells it from others of the program.
        site: usize,
    },
    /// Operands: input, scale, bias if any; normalised over `axis` and all after it.
    LayerNorm {
        /// First normalised axis.
        axis: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// Softmax along an axis.
    Softmax(usize),
    /// Logarithm of the softmax along an axis.
    LogSoftmax(usize),
    /// A function of one number.
    Unary(Unary),
    /// A function of two numbers.
    Binary(Binary),
    /// Operands: condition (0 or not), value if so, value if not.
    Where,
    /// Reduces axes, which stay with length one.
    Reduce(Reduction, Vec<usize>),
    /// Index of the first largest entry of an axis, which stays with length one.
    ArgMax(usize),
    /// The entries of an axis in order, as their indices; of equal ones the first comes first.
    ArgSort {
        /// The axis.
        axis: usize,
        /// Whether the largest come first.
        descending: bool,
    },
    /// Operands: a value, and indices into this axis for every entry of the result.
    GatherAlong(usize),
    /// Sums up to each entry of an axis, itself included.
    CumSum(usize),
    /// The step's shape gives the new one.
    Reshape,
    /// Output axis `i` is input axis `axes[i]`.
    Permute(Vec<usize>),
    /// Repeats axes of length one up to the step's shape.
    Expand,
    /// `count` entries of an axis from `start` in strides of `step`, or backwards.
    Slice {
        /// The axis.
        axis: usize,
        /// First entry in memory order.
        start: usize,
        /// Number of entries.
        count: usize,
        /// Distance between entries.
        step: usize,
        /// Whether the result is read backwards.
        reversed: bool,
    },
    /// Entries of an axis by index.
    Select {
        /// The axis.
        axis: usize,
        /// Which entries, in order.
        indices: Vec<usize>,
    },
    /// Joins all operands along an axis.
    Concat(usize),
    /// Adds entries of a constant value before and after each axis.
    Pad {
        /// Entries before and after each axis.
        pads: Vec<(usize, usize)>,
        /// Their value.
        value: f32,
    },
}

impl Primitive {
    /// Whether the result jumps where an input passes some value, so that the smallest
    /// rounding of that input can change it by a whole step.
    pub fn jumps(&self) -> bool {
        match self {
            Self::Unary(function) => matches!(
                function,
                Unary::Sign
                    | Unary::Floor
                    | Unary::Ceil
                    | Unary::Round
                    | Unary::RoundThrough
                    | Unary::Not
            ),
            Self::Binary(function) => matches!(
                function,
                Binary::Equal
                    | Binary::Greater
                    | Binary::GreaterEqual
                    | Binary::Less
                    | Binary::LessEqual
            ),
            Self::ArgMax(_) | Self::ArgSort { .. } => true,
            _ => false,
        }
    }
}
