//! Forms of image sets that are known and not read, and what to take in their place.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::archive::Archive;
use crate::folder::Folder;

const PICKLE: &str = "a Python pickle";
const PICKLE_INSTEAD: &str = "loading a pickle runs code that is in it. Take the same set as pictures in class folders, or save \
                              its arrays with numpy.savez(\"set.npz\", images=..., labels=...)";
/// Endings, what such files are, and what to do.
const FORMS: [(&[&str], &str, &str); 5] = [
    (
        &["pkl", "pickle", "p", "pt", "pth", "joblib"],
        PICKLE,
        PICKLE_INSTEAD,
    ),
    (
        &["parquet", "arrow"],
        "a table of pictures as Hugging Face stores them",
        "save the pictures in class folders, such as with `item[\"image\"].save(...)` for each item of the data set",
    ),
    (
        &["npy"],
        "a single NumPy array",
        "save images and labels together with numpy.savez(\"set.npz\", images=..., labels=...)",
    ),
    (
        &["mat", "h5", "hdf5"],
        "a file of arrays of another program",
        "save its arrays with numpy.savez(\"set.npz\", images=..., labels=...)",
    ),
    (
        &["tfrecord", "rar", "7z", "bz2", "xz", "zst"],
        "a kind of archive",
        "unpack it to class folders, or give a zip or tar.gz of these",
    ),
];

/// The refusal of a file whose form is known, if it is one.
pub(crate) fn of_file(path: &Path) -> Option<Error> {
    let ending = path.extension()?;
    let is = |endings: &[&str]| {
        endings
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    };
    let (_, what, instead) = FORMS.iter().find(|(endings, _, _)| is(endings))?;
    Some(refusal(path.to_owned(), what, instead))
}

/// The refusal of a folder that holds no image set but such files.
pub(crate) fn of_folder(folder: &Folder) -> Option<Error> {
    if let Some(batch) = folder.file("batches.meta").and(folder.file("data_batch_1")) {
        return Some(refusal(
            batch.path.clone(),
            PICKLE,
            "loading a pickle runs code that is in it. This is the Python version of CIFAR: take the binary version, \
             cifar-10-binary.tar.gz, of the same page",
        ));
    }
    let archive = folder
        .files
        .iter()
        .find(|file| Archive::of(&file.path).is_some());
    let inside = archive.map(|file| {
        let instead = "give it by itself or, of several, unpack them to class folders";
        refusal(
            file.path.clone(),
            "an archive in a folder or in another archive",
            instead,
        )
    });
    let known = folder.files.iter().find_map(|file| of_file(&file.path));
    known.or(inside)
}

fn refusal(path: PathBuf, what: &'static str, instead: &'static str) -> Error {
    Error::OtherForm {
        path,
        what,
        instead,
    }
}
