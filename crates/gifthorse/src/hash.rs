//! SHA-256 of files, by which a report says what it is about, and of weights, wherever they are stored.

use std::fs::File;
use std::io;
use std::path::Path;

use gifthorse_onnx::{Graph, Tensor};
use sha2::{Digest, Sha256};

/// SHA-256 of a file's bytes, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// What the system says when the file cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hexadecimal(hash))
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// SHA-256 over the constants of a graph, those included that lie in files beside the model.
pub fn of_weights(graph: &Graph) -> String {
    let mut hash = Sha256::new();
    for tensor in graph.tensors() {
        of_tensor(&mut hash, tensor);
    }
    hexadecimal(hash)
}

/// Lengths go in before contents, so that no two lists of tensors give the same bytes.
fn of_tensor(hash: &mut Sha256, tensor: &Tensor) {
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(tensor.name().as_bytes());
    part(format!("{:?} {:?}", tensor.element_type(), tensor.shape()).as_bytes());
    if let Some(bytes) = tensor.bytes() {
        part(bytes);
    }
    for string in tensor.strings().unwrap_or_default() {
        part(string);
    }
}

fn hexadecimal(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

    #[test]
    fn the_digest_is_that_of_the_standard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(sha256(&path).unwrap(), digest(b"abc"));
    }

    #[test]
    fn weights_are_known_by_their_values_and_names() {
        let graph = |name: &str, values: [f32; 2]| {
            let two = [Dim::Fixed(2)];
            let model = GraphBuilder::new("sum", 17)
                .input("x", ElementType::F32, &two)
                .initializer(name, &[2], values)
                .node("Add", "add", &["x", name], &["y"], [])
                .output("y", ElementType::F32, &two)
                .finish()
                .unwrap();
            of_weights(&model.graph().unwrap())
        };
        assert_eq!(graph("w", [1.0, 2.0]), graph("w", [1.0, 2.0]));
        assert_ne!(graph("w", [1.0, 2.0]), graph("w", [1.0, -2.0]));
        assert_ne!(graph("w", [1.0, 2.0]), graph("v", [1.0, 2.0]));
    }
}
