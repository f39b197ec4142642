//! `logits` is the bare forward pass.

use gifthorse::npy::{self, NpyArray};

use crate::bench::{Bench, CLASSES, Kind, SIDE};

const IMAGE: usize = 3 * SIDE * SIDE;

#[test]
fn logits_are_what_the_graph_says() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    // 120 images, more than go through together: image i is grey of i / 240, so each block's mean
    // is that.
    let values = (0..120 * IMAGE)
        .map(|i| (i / IMAGE) as f32 / 240.0)
        .collect();
    let input = NpyArray {
        shape: vec![120, 3, SIDE, SIDE],
        values,
    };
    npy::write(&bench.path("x.npy"), &input).unwrap();
    bench
        .run("logits model.onnx --input x.npy --out y.npy")
        .expect(0);
    let output = npy::read(&bench.path("y.npy")).unwrap();
    assert_eq!(output.shape, [120, CLASSES]);
    for (i, row) in output.values.chunks_exact(CLASSES).enumerate() {
        let expected = 20.0 * i as f32 / 240.0;
        assert!(
            row.iter().all(|logit| (logit - expected).abs() < 1e-4),
            "image {i}: {row:?}"
        );
    }
}

#[test]
fn input_of_another_shape_is_refused() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    let array = |shape: &[usize]| NpyArray {
        shape: shape.to_vec(),
        values: vec![0.5; shape.iter().product()],
    };
    npy::write(&bench.path("one.npy"), &array(&[3, SIDE, SIDE])).unwrap();
    npy::write(&bench.path("nhwc.npy"), &array(&[1, SIDE, SIDE, 3])).unwrap();
    bench.write("junk.npy", b"\x93NUMPY\x01\x00\xff");
    bench
        .run("logits model.onnx --input one.npy -o y.npy")
        .expect(0);
    assert_eq!(npy::read(&bench.path("y.npy")).unwrap().shape, [1, CLASSES]);
    let run = |name: &str| bench.run(&format!("logits model.onnx --input {name} -o z.npy"));
    run("nhwc.npy")
        .expect(2)
        .says(&["[1, 16, 16, 3]", "[images, 3, 16, 16]"]);
    run("junk.npy").expect(2).says(&["junk.npy", "header"]);
    run("none.npy").expect(2).says(&["none.npy"]);
    assert!(!bench.path("z.npy").exists());
}
