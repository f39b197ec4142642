use super::*;
use crate::lanes::{Isa, Lane, Task};

/// Which function, of what.
struct Each<'a>(&'a str, &'a mut [Lane]);

impl Task for Each<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for lane in self.1 {
            let x = l.load(&lane.0);
            let y = match self.0 {
                "exp" => exp(l, x),
                "sigmoid" => sigmoid(l, x),
                "tanh" => tanh(l, x),
                "log_1p" => log_1p(l, x),
                _ => erf(l, x),
            };
            l.store(&mut lane.0, y);
        }
    }
}

fn computed(isa: Isa, function: &str, x: &[f32]) -> Vec<f32> {
    let mut lanes: Vec<Lane> = x
        .chunks(16)
        .map(|part| {
            let mut lane = Lane::default();
            lane.0[..part.len()].copy_from_slice(part);
            lane
        })
        .collect();
    isa.run(Each(function, &mut lanes));
    lanes.iter().flat_map(|lane| lane.0).take(x.len()).collect()
}

/// The largest error in units in the last place of the exact result.
fn worst(isa: Isa, function: &str, range: [f64; 2], exact: impl Fn(f64) -> f64) -> f64 {
    let count = 200_000;
    let x: Vec<f32> = (0..count)
        .map(|i| (range[0] + (range[1] - range[0]) * f64::from(i) / f64::from(count)) as f32)
        .collect();
    let error = |(x, y): (&f32, f32)| {
        let wanted = exact(f64::from(*x));
        let unit = (wanted.abs() as f32).max(f32::MIN_POSITIVE);
        let unit = f64::from(f32::from_bits(unit.to_bits() + 1)) - f64::from(unit);
        (f64::from(y) - wanted).abs() / unit
    };
    let given = computed(isa, function, &x);
    x.iter().zip(given).map(error).fold(0.0, f64::max)
}

/// `erf` by its Taylor series, which in f64 is exact enough up to 4.
fn exact_erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn errors_are_a_few_units_in_the_last_place() {
    for isa in Isa::available() {
        // Without fused multiplication the steps of the argument's reduction round, too.
        let allowed = |units: f64| match isa {
            Isa::Portable(_) => units + 2.0,
            _ => units,
        };
        for (function, range, units, exact) in [
            ("exp", [-87.3, 88.7], 2.0, f64::exp as fn(f64) -> f64),
            ("sigmoid", [-80.0, 30.0], 3.0, |x| 1.0 / (1.0 + (-x).exp())),
            ("tanh", [-10.0, 10.0], 5.0, f64::tanh),
            ("tanh", [-0.01, 0.01], 3.0, f64::tanh),
            ("log_1p", [0.0, 1.0], 3.0, f64::ln_1p),
            ("erf", [-4.0, 4.0], 3.0, exact_erf),
            ("erf", [-0.01, 0.01], 3.0, exact_erf),
        ] {
            let error = worst(isa, function, range, exact);
            assert!(
                error < allowed(units),
                "{function} in {range:?} on {isa:?}: {error} units"
            );
        }
    }
}

#[test]
fn ends_of_the_range() {
    let ends = [
        f32::NEG_INFINITY,
        -1e30,
        -0.0,
        0.0,
        88.8,
        1e30,
        f32::INFINITY,
    ];
    let infinity = f32::INFINITY;
    for isa in Isa::available() {
        for (function, wanted) in [
            ("exp", [0.0, 0.0, 1.0, 1.0, infinity, infinity, infinity]),
            ("sigmoid", [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0]),
            ("tanh", [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
            ("erf", [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        ] {
            assert_eq!(
                computed(isa, function, &ends),
                wanted,
                "{function}, {isa:?}"
            );
            assert!(
                computed(isa, function, &[f32::NAN])[0].is_nan(),
                "{function}, {isa:?}"
            );
        }
        let subnormal = f64::from(computed(isa, "exp", &[-95.0])[0]);
        assert!((subnormal - (-95f64).exp()).abs() < 1.5e-45, "{isa:?}");
        assert!(computed(isa, "exp", &[88.7])[0].is_finite(), "{isa:?}");
    }
}
