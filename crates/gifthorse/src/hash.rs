//! SHA-256 of files, by which a report says what it is about, and of weights, wherever they are
//! stored.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use gifthorse_onnx::{Graph, Model, Tensor};
use sha2::{Digest, Sha256};

use crate::Error;

/// SHA-256 of a file's bytes, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// What the system says when the file cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    of_file(&mut hash, path)?;
    Ok(hexadecimal(hash))
}

/// SHA-256 of all that a model is read from. For a model in one file it is the file's own; for one
/// with external data that of a list of hashes, each of 64 digits: of the file `path`, and for each
/// name of a file in it, in the order of the names, of that file. (Were the files' bytes hashed one
/// after the other, some could move from one to the next.)
///
/// # Errors
/// A file that cannot be read.
pub fn of_model(path: &Path, model: &Model) -> Result<String, Error> {
    joined(path, model, &of_files(path, model)?)
}

/// As [`of_model`], from what [`of_files`] gave.
///
/// # Errors
/// A model whose files beside it cannot be listed.
pub fn joined(path: &Path, model: &Model, files: &[(PathBuf, String)]) -> Result<String, Error> {
    if let [(_, own)] = files {
        return Ok(own.clone());
    }
    let beside = model.external_files().map_err(|source| Error::Model {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let own = files.first().map(|(_, hash)| hash.as_str());
    let of = |file: &PathBuf| files.iter().find(|(known, _)| known == file);
    let hashes = beside.iter().filter_map(of).map(|(_, hash)| hash.as_str());
    let list: String = own.into_iter().chain(hashes).collect();
    Ok(digest(list.as_bytes()))
}

/// SHA-256 of each file that a model is read from, with its path: the file itself, then those
/// beside it, each once.
///
/// # Errors
/// A file that cannot be read.
pub fn of_files(path: &Path, model: &Model) -> Result<Vec<(PathBuf, String)>, Error> {
    let beside = model.external_files().map_err(|source| Error::Model {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for file in std::iter::once(path.to_owned()).chain(beside) {
        if files.iter().all(|(known, _)| *known != file) {
            let hash = sha256(&file).map_err(|source| Error::Read {
                path: file.clone(),
                source,
            })?;
            files.push((file, hash));
        }
    }
    Ok(files)
}

fn of_file(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(()),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// SHA-256 over the constants of a graph, those included that lie in files beside the model.
///
/// # Errors
/// Such a file that cannot be read.
pub fn of_weights(graph: &Graph) -> Result<String, gifthorse_onnx::Error> {
    let mut hash = Sha256::new();
    for tensor in graph.tensors() {
        of_tensor(&mut hash, tensor)?;
    }
    Ok(hexadecimal(hash))
}

/// Lengths go in before contents, so that no two lists of tensors give the same bytes.
fn of_tensor(hash: &mut Sha256, tensor: &Tensor) -> Result<(), gifthorse_onnx::Error> {
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(tensor.name().as_bytes());
    part(format!("{:?} {:?}", tensor.element_type(), tensor.shape()).as_bytes());
    if let Some(bytes) = tensor.bytes()? {
        part(&bytes);
    }
    for string in tensor.strings().unwrap_or_default() {
        part(string);
    }
    Ok(())
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
    fn a_model_is_known_by_the_files_beside_it_too() {
        let folder = tempfile::tempdir().unwrap();
        let golden = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../gifthorse-onnx/tests/golden/"
        );
        let at = |name: &str| folder.path().join(name);
        let hash = || {
            let path = at("external.onnx");
            of_model(&path, &Model::read(&path).unwrap()).unwrap()
        };
        std::fs::copy(format!("{golden}external.onnx"), at("external.onnx")).unwrap();
        let model = Model::read(format!("{golden}external.onnx")).unwrap();
        let mut all = sha256(&at("external.onnx")).unwrap();
        for file in model.external_files().unwrap() {
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(at(file.file_name().unwrap().to_str().unwrap()), &bytes).unwrap();
            all.push_str(&digest(&bytes));
        }
        assert_eq!(hash(), digest(all.as_bytes()));
        let path = at("external.onnx");
        let files = of_files(&path, &Model::read(&path).unwrap()).unwrap();
        assert_eq!(files[0], (path.clone(), sha256(&path).unwrap()));
        assert!(files.len() > 1);
        for (file, hash) in &files {
            assert_eq!(sha256(file).unwrap(), *hash);
        }
        let beside = model.external_files().unwrap()[0].clone();
        let copied = at(beside.file_name().unwrap().to_str().unwrap());
        let mut bytes = std::fs::read(&copied).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&copied, bytes).unwrap();
        assert_ne!(hash(), digest(all.as_bytes()));
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
            of_weights(&model.graph().unwrap()).unwrap()
        };
        assert_eq!(graph("w", [1.0, 2.0]), graph("w", [1.0, 2.0]));
        assert_ne!(graph("w", [1.0, 2.0]), graph("w", [1.0, -2.0]));
        assert_ne!(graph("w", [1.0, 2.0]), graph("v", [1.0, 2.0]));
    }
}
