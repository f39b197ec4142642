//! Bytes -> `Model` -> `Graph`, and the tensors of it.
#![no_main]

use gifthorse_onnx::Model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_bytes(bytes.to_vec(), None) else {
        return;
    };
    let written = model.to_bytes().expect("what was read can be written");
    let again = Model::from_bytes(written, None).expect("what was written can be read");
    let Ok(graph) = model.graph() else { return };
    assert!(again.graph().is_ok());
    for tensor in graph.initializers.values() {
        let _ = (tensor.to_f32(), tensor.to_i64());
    }
});
