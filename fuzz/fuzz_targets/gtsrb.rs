//! The table of a GTSRB folder: file names, regions of interest, classes.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::{Folder, cropped};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let folder = Folder::default();
    folder.put_picture("set/Final_Test/Images/00000.ppm");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    FOLDER.put("set/Final_Test/Images/GT-final_test.csv", bytes);
    FOLDER.read("set", LoadOptions::default());
    FOLDER.read("set", cropped());
});
