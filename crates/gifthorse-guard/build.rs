//! Generates the protobuf types from `proto/open_inference.proto` with a parser written in Rust, so
//! that a build needs no `protoc`.

#![allow(clippy::print_stdout, reason = "Cargo reads a build script's output")]

use protobuf_codegen::{Codegen, Customize};

fn main() {
    println!("cargo::rerun-if-changed=proto");
    Codegen::new()
        .pure()
        .include("proto")
        .input("proto/open_inference.proto")
        .cargo_out_dir("protobuf")
        .customize(
            Customize::default()
                // Tensors then share the bytes of the request instead of being copied.
                .tokio_bytes(true)
                .lite_runtime(true),
        )
        .run_from_script();
}
