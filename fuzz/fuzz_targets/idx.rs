//! An IDX file of images and one of labels.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::{Folder, cut};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::default);

fuzz_target!(|bytes: &[u8]| {
    let Some((images, labels)) = cut(bytes) else {
        return;
    };
    FOLDER.put("set/t10k-images-idx3-ubyte", images);
    FOLDER.put("set/t10k-labels-idx1-ubyte", labels);
    FOLDER.read("set", LoadOptions::default());
});
