//! From 32-bit floats to the type in which a file holds them.

use bytes::Bytes;
use half::{bf16, f16};

use super::Tensor;
use crate::{ElementType, Error, TensorProblem};

impl Tensor {
    /// A tensor of floats of any of the four types, last dimension fastest, from 32-bit floats.
    /// Each is rounded to the nearest number of the type, and to the even one of two that are as
    /// near; numbers that are not finite stay what they are.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the shape has another number of elements, the type is not one of
    /// floats, or a finite value rounds to infinity.
    pub fn from_f32_as(
        name: impl Into<String>,
        shape: &[usize],
        element: ElementType,
        values: &[f32],
    ) -> Result<Self, Error> {
        let name = name.into();
        match cast(values, element) {
            Ok(bytes) => Self::from_bytes(name, shape, element, bytes),
            Err(problem) => Err(Error::Tensor {
                tensor: name,
                problem,
            }),
        }
    }
}

/// Little-endian elements of a type of floats.
fn cast(values: &[f32], element: ElementType) -> Result<Bytes, TensorProblem> {
    match element {
        ElementType::F32 => Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        ElementType::F64 => {
            let wide = values.iter().map(|&v| f64::from(v));
            Ok(wide.flat_map(f64::to_le_bytes).collect())
        }
        ElementType::F16 => narrow(values, element, |v| {
            let half = f16::from_f32(v);
            (half.is_infinite(), half.to_le_bytes())
        }),
        ElementType::BF16 => narrow(values, element, |v| {
            let half = bf16::from_f32(v);
            (half.is_infinite(), half.to_le_bytes())
        }),
        _ => Err(TensorProblem::Conversion {
            found: element,
            wanted: "floats",
        }),
    }
}

fn narrow(
    values: &[f32],
    element: ElementType,
    round: impl Fn(f32) -> (bool, [u8; 2]),
) -> Result<Bytes, TensorProblem> {
    let mut bytes = Vec::with_capacity(2 * values.len());
    for (at, &value) in values.iter().enumerate() {
        let (infinite, rounded) = round(value);
        if infinite && value.is_finite() {
            return Err(TensorProblem::Overflow {
                value: value.to_string(),
                at,
                element,
            });
        }
        bytes.extend_from_slice(&rounded);
    }
    Ok(bytes.into())
}

/// 64-bit floats for 32-bit ones that were read from `old` and may have been changed: what was not
/// changed keeps the digits that a 32-bit float has no room for.
pub(crate) fn widen(values: &[f32], old: &[u8]) -> Bytes {
    let (old, _) = old.as_chunks();
    let kept = values.iter().zip(old).map(|(&value, &old)| {
        let old = f64::from_le_bytes(old);
        if (old as f32).to_bits() == value.to_bits() {
            old
        } else {
            value.into()
        }
    });
    kept.flat_map(f64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(value: f32, element: ElementType) -> Result<u16, Error> {
        let tensor = Tensor::from_f32_as("w", &[1], element, &[value])?;
        let bytes = tensor.bytes().unwrap().unwrap();
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn value(bits: u16, element: ElementType) -> f64 {
        let bytes = bits.to_le_bytes().to_vec().into();
        let tensor = Tensor::from_bytes("w", &[1], element, bytes).unwrap();
        tensor.to_f32().unwrap()[0].into()
    }

    /// The bits of the largest finite number, and the distance from there to the next.
    fn end(element: ElementType) -> (u16, f64) {
        match element {
            ElementType::F16 => (0x7bff, 32.0),
            _ => (0x7f7f, 2.0_f64.powi(120)),
        }
    }

    /// Rounding as IEEE 754 defines it, found by looking at the neighbours.
    fn check(x: f32, element: ElementType) -> Result<(), TestCaseError> {
        let (last, step) = end(element);
        let (largest, exact) = (value(last, element), f64::from(x));
        match bits(x, element) {
            Err(error) => {
                // Half a step beyond the end is a tie with what would be the next, even number.
                prop_assert!(exact.abs() >= largest + step / 2.0, "{x}: {error}");
                prop_assert!(error.to_string().starts_with("tensor `w`"), "{error}");
            }
            Ok(found) => {
                prop_assert_eq!(found >> 15 == 1, x.is_sign_negative());
                let magnitude = found & 0x7fff;
                prop_assert!(magnitude <= last);
                let distance = |bits| (value(bits, element) - exact.abs()).abs();
                let mine = distance(magnitude);
                for other in [magnitude.wrapping_sub(1), magnitude + 1] {
                    if other > last {
                        prop_assert!(exact.abs() < largest + step / 2.0);
                        continue;
                    }
                    prop_assert!(mine <= distance(other), "{x} became {magnitude:#x}");
                    if mine == distance(other) {
                        prop_assert_eq!(magnitude % 2, 0, "a tie at {}", x);
                    }
                }
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_float_goes_to_the_nearest(raw in any::<u32>()) {
            let x = f32::from_bits(raw);
            prop_assume!(x.is_finite());
            check(x, ElementType::F16)?;
            check(x, ElementType::BF16)?;
        }

        #[test]
        fn weights_and_small_numbers_go_to_the_nearest(x in -2.0_f32..2.0, power in -30..18) {
            check(x * 2.0_f32.powi(power), ElementType::F16)?;
        }

        #[test]
        fn ties_go_to_the_even_number(magnitude in 0_u16..0x7bff, negative: bool) {
            for element in [ElementType::F16, ElementType::BF16] {
                let (low, high) = (value(magnitude, element), value(magnitude + 1, element));
                let middle = ((low + high) / 2.0) as f32;
                prop_assert_eq!(f64::from(middle), (low + high) / 2.0);
                check(if negative { -middle } else { middle }, element)?;
            }
        }

        #[test]
        fn what_was_read_is_written_as_it_was(raw in any::<u16>()) {
            for element in [ElementType::F16, ElementType::BF16] {
                let read = value(raw, element) as f32;
                match read.is_nan() {
                    true => prop_assert!(value(bits(read, element).unwrap(), element).is_nan()),
                    false => prop_assert_eq!(bits(read, element).unwrap(), raw),
                }
            }
        }

        #[test]
        fn only_what_changed_loses_digits(old in any::<f64>(), new in any::<f32>()) {
            let bytes = old.to_le_bytes();
            let read = old as f32;
            let widened = |value| {
                let bytes = widen(&[value], &bytes);
                f64::from_le_bytes(bytes[..].try_into().unwrap())
            };
            prop_assert_eq!(widened(read).to_bits(), old.to_bits());
            if new.to_bits() != read.to_bits() {
                prop_assert_eq!(widened(new).to_bits(), f64::from(new).to_bits());
            }
        }
    }

    #[test]
    fn infinity_stays_and_whole_numbers_are_refused() {
        for element in [ElementType::F16, ElementType::BF16] {
            let infinity = bits(f32::NEG_INFINITY, element).unwrap();
            assert_eq!(value(infinity, element), f64::NEG_INFINITY);
        }
        let error = Tensor::from_f32_as("w", &[2], ElementType::F16, &[0.0, -65520.0]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("-65520") && text.contains("element 1"),
            "{text}"
        );
        assert_eq!(bits(65519.99, ElementType::F16).unwrap(), 0x7bff);
        assert!(Tensor::from_f32_as("w", &[1], ElementType::I8, &[0.0]).is_err());
        assert!(Tensor::from_f32_as("w", &[2], ElementType::F16, &[0.0]).is_err());
    }
}
