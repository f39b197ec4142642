//! The arrays of an `.npz` archive whose checksums are right: images, and labels if there are bytes
//! left for them.
#![no_main]

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::{Folder, cut};
use libfuzzer_sys::fuzz_target;
use zip::{CompressionMethod, ZipWriter, write::FileOptions};

static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::default);

fuzz_target!(|bytes: &[u8]| {
    let Some((images, labels)) = cut(bytes) else {
        return;
    };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = FileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, array) in [("images.npy", images), ("labels.npy", labels)] {
        if !array.is_empty() {
            zip.start_file(name, stored)
                .expect("a place in the archive");
            zip.write_all(array).expect("room in memory");
        }
    }
    let archive = zip.finish().expect("an archive");
    FOLDER.put("set.npz", archive.get_ref());
    FOLDER.read("set.npz", LoadOptions::default());
});
