use gifthorse_engine::{Layout, PixelRange, Preprocess};

use super::*;

/// Images of two grey pixels, 0 to 255.
fn form() -> Form {
    let preprocess = Preprocess {
        range: PixelRange::Byte,
        ..Preprocess::default()
    };
    Form::new([1, 1, 2], &preprocess, Layout::Nchw).unwrap()
}

fn tensor(datatype: &str, values: Values) -> Tensor {
    Tensor {
        name: "input".to_owned(),
        datatype: datatype.to_owned(),
        shape: vec![1, 1, 1, 2],
        values,
    }
}

fn pixels(tensor: Tensor) -> Result<Vec<f32>, NoImage> {
    images(&[tensor], None, &form(), 4).map(|(_, pixels)| pixels)
}

#[test]
fn every_datatype_is_read_as_little_endian() {
    let wanted = [51.0 / 255.0, 1.0];
    let raw: [(&str, Vec<u8>); 11] = [
        ("UINT8", vec![51, 255]),
        ("UINT16", [51u16, 255].map(u16::to_le_bytes).concat()),
        ("INT16", [51i16, 255].map(i16::to_le_bytes).concat()),
        ("UINT32", [51u32, 255].map(u32::to_le_bytes).concat()),
        ("INT32", [51i32, 255].map(i32::to_le_bytes).concat()),
        ("UINT64", [51u64, 255].map(u64::to_le_bytes).concat()),
        ("INT64", [51i64, 255].map(i64::to_le_bytes).concat()),
        (
            "FP16",
            [51.0, 255.0]
                .map(|n| f16::from_f32(n).to_le_bytes())
                .concat(),
        ),
        (
            "BF16",
            [51.0, 255.0]
                .map(|n| bf16::from_f32(n).to_le_bytes())
                .concat(),
        ),
        ("FP32", [51.0f32, 255.0].map(f32::to_le_bytes).concat()),
        ("FP64", [51.0f64, 255.0].map(f64::to_le_bytes).concat()),
    ];
    for (datatype, bytes) in raw {
        let tensor = tensor(datatype, Values::Raw(bytes.into()));
        assert_eq!(pixels(tensor).unwrap(), wanted, "{datatype}");
    }
    // Of eight bits with a sign, 255 is -1 and no pixel.
    assert!(pixels(tensor("INT8", Values::Raw(vec![51, 255].into()))).is_err());
    let half = tensor("INT8", Values::Raw(vec![51, 127].into()));
    assert_eq!(pixels(half).unwrap(), [51.0 / 255.0, 127.0 / 255.0]);
}

#[test]
fn numbers_that_their_datatype_cannot_hold_are_refused() {
    for (datatype, number) in [
        ("UINT8", 256.0),
        ("UINT8", 0.5),
        ("UINT8", -1.0),
        ("INT32", 0.5),
    ] {
        let error = pixels(tensor(datatype, Values::Numbers(vec![0.0, number]))).unwrap_err();
        assert!(error.to_string().contains(datatype), "{error}");
    }
    for datatype in ["UINT8", "INT16", "INT64", "UINT64", "FP16", "FP64"] {
        let tensor = tensor(datatype, Values::Numbers(vec![0.0, 255.0]));
        assert_eq!(pixels(tensor).unwrap(), [0.0, 1.0], "{datatype}");
    }
}

#[test]
fn what_holds_no_images_is_told() {
    for (tensors, input, says) in [
        (vec![], None, "no input"),
        (
            vec![tensor("FP32", Values::Numbers(vec![0.0; 2]))],
            Some("image"),
            "no input \"image\"",
        ),
        (
            vec![tensor("FP32", Values::Numbers(vec![0.0; 2])); 2],
            None,
            "several inputs",
        ),
        (
            vec![tensor("FP32", Values::Numbers(vec![0.0; 2])); 2],
            Some("input"),
            "more than one",
        ),
        (
            vec![tensor("BYTES", Values::Raw(vec![0; 8].into()))],
            None,
            "datatype",
        ),
        (
            vec![tensor("BOOL", Values::Numbers(vec![0.0; 2]))],
            None,
            "datatype",
        ),
        (
            vec![tensor("FP32", Values::Raw(vec![0; 7].into()))],
            None,
            "7 bytes",
        ),
        (
            vec![tensor("FP32", Values::Raw(vec![0; 4].into()))],
            None,
            "1 numbers",
        ),
        (
            vec![tensor("FP32", Values::Absent("has no data"))],
            None,
            "has no data",
        ),
    ] {
        let error = images(&tensors, input, &form(), 4).unwrap_err();
        assert!(error.to_string().contains(says), "{error} for {says}");
    }
    let many = Tensor {
        shape: vec![5, 1, 1, 2],
        ..tensor("FP32", Values::Numbers(vec![0.0; 10]))
    };
    let error = images(&[many], None, &form(), 4).unwrap_err();
    assert!(error.to_string().contains("5 images"), "{error}");
}
