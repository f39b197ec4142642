use super::*;

fn corrected(
    mut bytes: Vec<u8>,
    datatype: &str,
    shape: &[i64],
    images: usize,
    corrections: &[(usize, usize)],
) -> Result<Vec<u8>, String> {
    let corrections: Vec<Correction> = corrections
        .iter()
        .map(|&(image, label)| Correction { image, label })
        .collect();
    let mut elements = RawElements::new(&mut bytes, datatype).ok_or("no numbers")?;
    correct(&mut elements, datatype, shape, images, &corrections)?;
    Ok(bytes)
}

#[test]
fn the_largest_score_and_that_of_the_safe_label_change_places() {
    let scores = [0.1f32, 0.7, 0.2, 0.5, 0.3, 0.2];
    let wanted = [0.1f32, 0.2, 0.7, 0.5, 0.3, 0.2];
    let bytes =
        |scores: &[f32]| -> Vec<u8> { scores.iter().flat_map(|s| s.to_le_bytes()).collect() };
    let done = corrected(bytes(&scores), "FP32", &[2, 3], 2, &[(0, 2)]);
    assert_eq!(done.unwrap(), bytes(&wanted));
    // One that is the largest already stays.
    let done = corrected(bytes(&scores), "FP32", &[2, 3], 2, &[(1, 0)]);
    assert_eq!(done.unwrap(), bytes(&scores));

    let halves = |scores: &[f32]| -> Vec<u8> {
        scores
            .iter()
            .flat_map(|&s| f16::from_f32(s).to_le_bytes())
            .collect()
    };
    let done = corrected(halves(&scores[..3]), "FP16", &[3], 1, &[(0, 2)]);
    assert_eq!(done.unwrap(), halves(&wanted[..3]));
}

#[test]
fn labels_are_replaced() {
    let bytes =
        |labels: &[i64]| -> Vec<u8> { labels.iter().flat_map(|l| l.to_le_bytes()).collect() };
    for shape in [&[2][..], &[2, 1]] {
        let done = corrected(bytes(&[4, 5]), "INT64", shape, 2, &[(1, 300)]);
        assert_eq!(done.unwrap(), bytes(&[4, 300]));
    }
    assert_eq!(
        corrected(vec![4, 5], "UINT8", &[2], 2, &[(0, 255)]).unwrap(),
        [255, 5]
    );
    assert!(corrected(vec![4, 5], "UINT8", &[2], 2, &[(0, 256)]).is_err());
    assert!(corrected(vec![4, 5], "INT8", &[2], 2, &[(0, 128)]).is_err());
}

#[test]
fn outputs_that_are_something_else_are_refused() {
    let zeros = vec![0; 24];
    for (datatype, shape, images, label) in [
        ("FP32", &[2, 3][..], 2, 3), // no such class
        ("FP32", &[3, 2], 2, 0),     // another batch
        ("FP32", &[6], 6, 0),        // one score for each image
        ("INT32", &[2, 3], 2, 0),    // several labels for each image
        ("FP32", &[2, 3], 4, 0),
        ("BYTES", &[2, 3], 2, 0),
    ] {
        let done = corrected(zeros.clone(), datatype, shape, images, &[(0, label)]);
        assert!(done.is_err(), "{datatype} {shape:?} for {images} images");
    }
    let nan: Vec<u8> = [f32::NAN, 0.0]
        .iter()
        .flat_map(|s| s.to_le_bytes())
        .collect();
    assert!(corrected(nan, "FP32", &[1, 2], 1, &[(0, 1)]).is_err());
}
