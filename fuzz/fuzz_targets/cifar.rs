//! Files of CIFAR-10 and of CIFAR-100, with class names.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::{Folder, cut};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::default);

fuzz_target!(|bytes: &[u8]| {
    let Some((records, names)) = cut(bytes) else {
        return;
    };
    FOLDER.put("ten/test_batch.bin", records);
    FOLDER.put("ten/batches.meta.txt", names);
    FOLDER.put("hundred/test.bin", records);
    FOLDER.put("hundred/fine_label_names.txt", names);
    FOLDER.read("ten", LoadOptions::default());
    FOLDER.read("hundred", LoadOptions::default());
});
