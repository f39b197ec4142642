//! Trigger files come back bit for bit, and no file can hurt the reader.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const SHAPE: [usize; 3] = [3, 4, 5];

fn trigger() -> Trigger {
    let byte = |index: usize| ((index * 37) % 256) as f32 / 255.0;
    let mask = Picture::new([1, 4, 5], (0..20).map(byte).collect()).unwrap();
    let pattern = Picture::new(SHAPE, (0..60).map(|index| byte(index + 7)).collect()).unwrap();
    Trigger::new(mask, pattern).unwrap()
}

fn image() -> Picture {
    let byte = |index: usize| ((index * 53) % 256) as f32 / 255.0;
    Picture::new(SHAPE, (0..60).map(byte).collect()).unwrap()
}

fn patch_bytes() -> Vec<u8> {
    write_recovered(&Recovered::Patch(trigger())).unwrap()
}

fn image_bytes() -> Vec<u8> {
    write_recovered(&Recovered::Image(image())).unwrap()
}

/// A change of `kind` with numbers on both sides of [0, 1].
fn change(kind: TriggerKind) -> Recovered {
    let (_, shape) = numbers_of(kind, SHAPE).unwrap();
    let number = |index: usize| 0.3 * index as f32 - 1.7;
    let change = Change {
        numbers: (0..shape.iter().product()).map(number).collect(),
        chart: image(),
    };
    match kind {
        TriggerKind::Warp => Recovered::Warp(change),
        TriggerKind::LocalMap => Recovered::LocalMap(change),
        TriggerKind::Additive => Recovered::Additive(change),
        TriggerKind::SpacePatch => Recovered::SpacePatch(change),
        _ => Recovered::ColourMap(change),
    }
}

fn bytes_of(kind: TriggerKind) -> Vec<u8> {
    match kind {
        TriggerKind::Patch => patch_bytes(),
        TriggerKind::Image => image_bytes(),
        TriggerKind::ColourMap
        | TriggerKind::Warp
        | TriggerKind::LocalMap
        | TriggerKind::Additive
        | TriggerKind::SpacePatch => write_recovered(&change(kind)).unwrap(),
    }
}

fn file(path: &str, kind: TriggerKind) -> TriggerFile {
    TriggerFile {
        path: path.to_owned(),
        kind,
    }
}

fn folder_with(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("triggers")).unwrap();
    fs::write(folder.path().join("triggers/7.npz"), bytes).unwrap();
    folder
}

fn read_as(
    kind: TriggerKind,
    bytes: &[u8],
    shape: [usize; 3],
) -> Result<Recovered, TriggerFileError> {
    read_trigger(
        folder_with(bytes).path(),
        &file("triggers/7.npz", kind),
        shape,
    )
}

fn read(bytes: &[u8], shape: [usize; 3]) -> Result<Recovered, TriggerFileError> {
    read_as(TriggerKind::Patch, bytes, shape)
}

/// An archive with one raw entry for each name.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, FileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A NumPy array of version 1 with the header as given.
fn array(header: &str, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &size[..], header.as_bytes(), data].concat()
}

fn reason(result: Result<Recovered, TriggerFileError>) -> String {
    match result {
        Err(TriggerFileError::Malformed { reason, .. }) => reason,
        other => panic!("expected a malformed file, got {other:?}"),
    }
}

fn bits(picture: &Picture) -> Vec<u32> {
    picture
        .values()
        .iter()
        .map(|value| value.to_bits())
        .collect()
}

#[test]
fn a_patch_comes_back_bit_for_bit_and_writes_the_same_bytes() {
    let bytes = patch_bytes();
    assert_eq!(bytes, patch_bytes());
    let Recovered::Patch(back) = read(&bytes, SHAPE).unwrap() else {
        panic!("a patch was written");
    };
    assert_eq!(bits(back.mask()), bits(trigger().mask()));
    assert_eq!(bits(back.pattern()), bits(trigger().pattern()));
}

#[test]
fn an_image_comes_back_bit_for_bit_and_writes_the_same_bytes() {
    let bytes = image_bytes();
    assert_eq!(bytes, image_bytes());
    let Recovered::Image(back) = read_as(TriggerKind::Image, &bytes, SHAPE).unwrap() else {
        panic!("an image was written");
    };
    assert_eq!((back.shape(), bits(&back)), (SHAPE, bits(&image())));
}

#[test]
fn a_change_comes_back_bit_for_bit_and_writes_the_same_bytes() {
    for kind in [
        TriggerKind::ColourMap,
        TriggerKind::Warp,
        TriggerKind::LocalMap,
        TriggerKind::Additive,
        TriggerKind::SpacePatch,
    ] {
        let bytes = bytes_of(kind);
        assert_eq!(bytes, bytes_of(kind));
        assert_eq!(read_as(kind, &bytes, SHAPE).unwrap(), change(kind));
    }
}

#[test]
fn one_kind_does_not_pass_for_the_other() {
    let read = |as_kind, of: TriggerKind| reason(read_as(as_kind, &bytes_of(of), SHAPE));
    assert!(read(TriggerKind::Patch, TriggerKind::Image).contains("mask"));
    assert!(read(TriggerKind::Image, TriggerKind::Patch).contains("image"));
    assert!(read(TriggerKind::ColourMap, TriggerKind::Warp).contains("weights"));
    assert!(read(TriggerKind::Warp, TriggerKind::ColourMap).contains("displacements"));
    assert!(read(TriggerKind::Warp, TriggerKind::Image).contains("displacements"));
    assert!(read(TriggerKind::LocalMap, TriggerKind::Warp).contains("numbers"));
    assert!(read(TriggerKind::Additive, TriggerKind::Image).contains("addition"));
    assert!(read(TriggerKind::SpacePatch, TriggerKind::LocalMap).contains("numbers"));
}

#[test]
fn numbers_of_a_change_that_are_not_finite_are_refused() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4, 4)}\n";
    for value in [f32::NAN, f32::INFINITY] {
        let numbers = array(header, &value.to_le_bytes().repeat(32));
        let bytes = archive(&[("displacements.npy", &numbers)]);
        assert!(reason(read_as(TriggerKind::Warp, &bytes, SHAPE)).contains("finite"));
    }
    let bytes = archive(&[("displacements.npy", &array(header, &[0; 128]))]);
    assert!(reason(read_as(TriggerKind::Warp, &bytes, SHAPE)).contains("image"));
}

#[test]
fn every_eight_bit_value_comes_back() {
    let values: Vec<f32> = (0..=255u8).map(|byte| f32::from(byte) / 255.0).collect();
    let picture = Picture::new([1, 16, 16], values).unwrap();
    let trigger = Trigger::new(picture.clone(), picture).unwrap();
    let written = Recovered::Patch(trigger);
    let bytes = write_recovered(&written).unwrap();
    assert_eq!(read(&bytes, [1, 16, 16]).unwrap(), written);
}

#[test]
fn another_shape_is_refused_with_both_shapes() {
    let bytes = patch_bytes();
    let message = read(&bytes, [3, 5, 4]).unwrap_err().to_string();
    assert!(
        message.contains("[4, 5]") && message.contains("[5, 4]"),
        "{message}"
    );
    reason(read(&bytes, [1, 4, 5]));
    for shape in [[3, 5, 4], [1, 4, 5], [usize::MAX, 4, 5]] {
        reason(read_as(TriggerKind::Image, &image_bytes(), shape));
    }
    reason(read(&bytes, [usize::MAX, 4, 5]));
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let folder = folder_with(&patch_bytes());
    let inner = folder.path().join("report");
    fs::create_dir(&inner).unwrap();
    for path in [
        "../triggers/7.npz",
        "/etc/hostname",
        "",
        "a/../../triggers/7.npz",
        ".",
    ] {
        let result = read_trigger(&inner, &file(path, TriggerKind::Patch), SHAPE);
        assert!(
            matches!(result, Err(TriggerFileError::Outside { .. })),
            "{path}: {result:?}"
        );
    }
    let missing = file("triggers/7.npz", TriggerKind::Image);
    let missing = read_trigger(&inner, &missing, SHAPE).unwrap_err();
    assert!(matches!(&missing, TriggerFileError::Io { .. }));
    assert!(missing.to_string().contains("7.npz"), "{missing}");
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_folder_are_refused() {
    let folder = folder_with(&patch_bytes());
    let inner = folder.path().join("report");
    fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink(folder.path().join("triggers"), inner.join("triggers")).unwrap();
    let linked = file("triggers/7.npz", TriggerKind::Patch);
    let result = read_trigger(&inner, &linked, SHAPE);
    assert!(matches!(result, Err(TriggerFileError::Outside { .. })));
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![0u8; 64 << 20];
    let bomb = archive(&[("mask.npy", &zeros), ("pattern.npy", &zeros)]);
    assert!(reason(read(&bomb, [3, 224, 224])).contains("larger"));
    assert!(reason(read(&zeros, SHAPE)).contains("larger"));
    let bomb = archive(&[("image.npy", &zeros)]);
    assert!(reason(read_as(TriggerKind::Image, &bomb, [3, 224, 224])).contains("larger"));
}

#[test]
fn headers_that_nest_or_lie_are_refused() {
    for header in [
        "(".repeat(60_000),
        "[".repeat(40),
        "{'a':".repeat(40),
        "-".repeat(HEADER_LIMIT),
        "1+".repeat(200),
    ] {
        let file = array(&header, &[]);
        reason(read(
            &archive(&[("mask.npy", &file), ("pattern.npy", &file)]),
            [3, 224, 224],
        ));
        let bytes = archive(&[("image.npy", &file)]);
        reason(read_as(TriggerKind::Image, &bytes, [3, 224, 224]));
    }
    let mask = |header: &str| archive(&[("mask.npy", &array(header, &[0; 80]))]);
    let with = |descr: &str, order: &str, shape: &str| {
        mask(&format!(
            "{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}\n"
        ))
    };
    assert!(reason(read(&with("<f4", "True", "(4, 5)"), SHAPE)).contains("order"));
    assert!(
        reason(read(
            &with("<f4", "False", "(18446744073709551615, 2)"),
            SHAPE
        ))
        .contains("mask")
    );
    assert!(reason(read(&with("|O", "False", "(4, 5)"), SHAPE)).contains("mask"));
    assert!(reason(read(&with("<f8", "False", "(4, 5)"), SHAPE)).contains("mask"));
    // A good mask: what is missing now is the pattern.
    assert!(reason(read(&with("<f4", "False", "(4, 5)"), SHAPE)).contains("pattern"));
}

#[test]
fn values_outside_the_unit_interval_are_refused() {
    for value in [f32::NAN, f32::INFINITY, -1.0, 2.0] {
        let data = value.to_le_bytes().repeat(20);
        let file = array(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 5)}\n",
            &data,
        );
        let pattern = array(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4, 5)}\n",
            &value.to_le_bytes().repeat(60),
        );
        let bytes = archive(&[("mask.npy", &file), ("pattern.npy", &pattern)]);
        assert!(reason(read(&bytes, SHAPE)).contains("outside [0, 1]"));
        let bytes = archive(&[("image.npy", &pattern)]);
        let image = read_as(TriggerKind::Image, &bytes, SHAPE);
        assert!(reason(image).contains("outside [0, 1]"));
    }
}

const KINDS: [TriggerKind; 7] = [
    TriggerKind::Patch,
    TriggerKind::Image,
    TriggerKind::ColourMap,
    TriggerKind::Warp,
    TriggerKind::LocalMap,
    TriggerKind::Additive,
    TriggerKind::SpacePatch,
];

proptest! {
    #[test]
    fn any_bytes_give_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for kind in KINDS {
            prop_assert!(decode(&bytes, kind, SHAPE).is_err());
        }
    }

    #[test]
    fn damaged_files_give_a_result(position in any::<prop::sample::Index>(), value in any::<u8>(), cut in 0usize..3) {
        for kind in KINDS {
            let mut bytes = bytes_of(kind);
            let position = position.index(bytes.len());
            bytes[position] = value;
            if cut == 0 {
                bytes.truncate(position);
            }
            if let Ok(read) = decode(&bytes, kind, SHAPE) {
                prop_assert_eq!(read.picture().shape(), SHAPE);
                prop_assert_eq!(read.kind(), kind);
            }
        }
    }

    #[test]
    fn damaged_headers_give_a_result(position in 0usize..70, value in any::<u8>()) {
        let mut mask = array("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 5)}\n", &[0; 80]);
        let last = mask.len() - 1;
        mask[position.min(last)] = value;
        let bytes = archive(&[("mask.npy", &mask)]);
        prop_assert!(decode(&bytes, TriggerKind::Patch, SHAPE).is_err());
    }
}

#[test]
fn a_file_by_itself_tells_its_kind() {
    for kind in [
        TriggerKind::Patch,
        TriggerKind::Image,
        TriggerKind::ColourMap,
        TriggerKind::Warp,
        TriggerKind::LocalMap,
        TriggerKind::Additive,
    ] {
        let folder = folder_with(&bytes_of(kind));
        let path = folder.path().join("triggers/7.npz");
        let alone = read_trigger_file(&path, SHAPE).unwrap();
        assert_eq!(alone.kind(), kind);
        let named = read_trigger(folder.path(), &file("triggers/7.npz", kind), SHAPE).unwrap();
        assert_eq!(alone, named);
        assert!(read_trigger_file(&path, [3, 5, 4]).is_err());
    }
    for bytes in [&b"no archive"[..], &[0; 100_000]] {
        let folder = folder_with(bytes);
        let path = folder.path().join("triggers/7.npz");
        assert!(matches!(
            read_trigger_file(&path, SHAPE),
            Err(TriggerFileError::Malformed { .. })
        ));
    }
}
