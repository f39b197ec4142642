//! Tensors in all the ways in which ONNX stores them, written by ONNX's own
//! package (`oracle/onnx_files.py`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gifthorse_onnx::{ElementType, Error, Model, Tensor};

fn storage() -> gifthorse_onnx::Graph {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/storage.onnx");
    Model::read(path).unwrap().graph().unwrap()
}

#[test]
fn every_storage_form_gives_the_same_values() {
    let floats = [-1.5, 0.25, 2.0, 96.0];
    let signed = [-3.0, 0.0, 7.0, 100.0];
    let unsigned = [3.0, 0.0, 7.0, 200.0];
    let truth = [1.0, 0.0, 0.0, 1.0];
    let expected = [
        ("FLOAT", ElementType::F32, floats),
        ("DOUBLE", ElementType::F64, floats),
        ("FLOAT16", ElementType::F16, floats),
        ("BFLOAT16", ElementType::BF16, floats),
        ("INT64", ElementType::I64, signed),
        ("INT32", ElementType::I32, signed),
        ("INT16", ElementType::I16, signed),
        ("INT8", ElementType::I8, signed),
        ("UINT64", ElementType::U64, unsigned),
        ("UINT32", ElementType::U32, unsigned),
        ("UINT16", ElementType::U16, unsigned),
        ("UINT8", ElementType::U8, unsigned),
        ("BOOL", ElementType::Bool, truth),
    ];
    let graph = storage();
    for (name, element, values) in expected {
        for form in ["raw", "typed"] {
            let tensor = &graph.initializers[&format!("{name}.{form}")];
            assert_eq!(tensor.element_type(), element);
            assert_eq!(tensor.shape(), [2, 2]);
            assert_eq!(tensor.len(), 4);
            assert_eq!(tensor.to_f32().unwrap(), values, "{name}.{form}");
            if element.is_float() {
                assert!(matches!(tensor.to_i64(), Err(Error::Tensor { .. })));
            } else {
                let whole = values.map(|v| v as i64);
                assert_eq!(tensor.to_i64().unwrap(), whole, "{name}.{form}");
            }
        }
    }
}

#[test]
fn strings_scalars_and_empty_tensors() {
    let graph = storage();
    let strings = &graph.initializers["STRING.typed"];
    assert_eq!(
        strings.strings().unwrap(),
        ["a".as_bytes(), "\u{e4}".as_bytes()]
    );
    assert!(strings.bytes().unwrap().is_none());
    assert!(strings.to_f32().is_err() && strings.to_i64().is_err());

    let scalar = &graph.initializers["scalar"];
    assert_eq!((scalar.shape(), scalar.len()), (&[][..], 1));
    assert_eq!(scalar.to_f32().unwrap(), [4.5]);

    let empty = &graph.initializers["empty"];
    assert_eq!((empty.shape(), empty.is_empty()), (&[0, 3][..], true));
    assert_eq!(empty.to_f32().unwrap(), []);
}

#[test]
fn a_tensor_has_as_many_elements_as_its_shape_says() {
    assert!(Tensor::from_f32("t", &[2, 2], &[0.0; 3]).is_err());
    assert!(Tensor::from_f32("t", &[usize::MAX, 2], &[]).is_err());
    assert!(Tensor::from_i64("t", &[1; 100], &[0]).is_err());
    assert!(Tensor::from_bytes("t", &[1], ElementType::String, "a".into()).is_err());
    assert_eq!(Tensor::from_f32("t", &[0], &[]).unwrap().len(), 0);
}

#[test]
fn an_unsigned_number_that_is_too_large_is_no_signed_one() {
    let bytes = u64::MAX.to_le_bytes().to_vec();
    let tensor = Tensor::from_bytes("t", &[], ElementType::U64, bytes.into()).unwrap();
    assert!(matches!(tensor.to_i64(), Err(Error::Tensor { .. })));
    assert_eq!(tensor.to_f32().unwrap(), [18446744073709551615.0]);
}
