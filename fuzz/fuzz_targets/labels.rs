//! Labels and class names for a folder of pictures.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::{Folder, cut};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let folder = Folder::default();
    for name in ["set/0.png", "set/1.png", "set/a/2.png"] {
        folder.put_picture(name);
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let Some((labels, names)) = cut(bytes) else {
        return;
    };
    let labels = Some(FOLDER.put("labels.csv", labels));
    let plain = LoadOptions {
        labels: labels.clone(),
        ..LoadOptions::default()
    };
    FOLDER.read("set", plain);
    for file in ["names.txt", "names.json"] {
        let named = LoadOptions {
            labels: labels.clone(),
            class_names: Some(FOLDER.put(file, names)),
            ..LoadOptions::default()
        };
        FOLDER.read("set", named);
    }
});
