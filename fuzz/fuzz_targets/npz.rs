//! A whole `.npz` archive.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::Folder;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::default);

fuzz_target!(|bytes: &[u8]| {
    FOLDER.put("set.npz", bytes);
    FOLDER.read("set.npz", LoadOptions::default());
});
