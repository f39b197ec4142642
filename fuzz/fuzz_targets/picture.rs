//! A picture file of each known kind; the first byte says which.
#![no_main]

use std::sync::LazyLock;

use gifthorse_data::LoadOptions;
use gifthorse_fuzz::Folder;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::default);

const ENDINGS: [&str; 6] = ["png", "bmp", "ppm", "webp", "tiff", "jpg"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, picture)) = bytes.split_first() else {
        return;
    };
    let ending = ENDINGS[usize::from(kind) % ENDINGS.len()];
    FOLDER.put(&format!("{ending}/picture.{ending}"), picture);
    FOLDER.read(ending, LoadOptions::default());
});
