use proptest::prelude::*;

use super::*;
use crate::listing::{PictureFile, PictureFiles};

fn pictures(images: &[&str]) -> PictureFiles {
    let file = |name: &&str| PictureFile {
        name: (*name).to_owned(),
        path: (*name).into(),
        region: None,
    };
    PictureFiles(images.iter().map(file).collect())
}

/// The label that each image has in a file of this text.
fn labels(text: &str, images: &[&str]) -> Result<Vec<String>, String> {
    named(text, images, None)
}

fn named(text: &str, images: &[&str], names: Option<&ClassNames>) -> Result<Vec<String>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.csv");
    std::fs::write(&path, text).unwrap();
    let read = read(&path, &pictures(images), names).map_err(|error| error.to_string())?;
    let Calls::Cells(calls) = read.calls else {
        panic!("a table has cells");
    };
    Ok(read
        .labels
        .into_iter()
        .map(|label| calls[label].clone())
        .collect())
}

#[test]
fn every_form_gives_the_same_labels() {
    for text in [
        "3\n1\n",
        "a.png,3\nb.png,1\n",
        "b.png;1\na.png;3\n",
        "filename,label\nb.png,1\na.png,3\nother.png,9\n",
        "Width;Filename;ClassId\n7;a.png;3\n8;b.png;1\n",
        "picture,what\na.png,3\nb.png,1\n",
        "./data/a.png\t3\ndata\\b.png\t1\n",
        // Kaggle's ids, without ending.
        "id,label\na,3\nb,1\n",
        "Id,Label\nb,1\na,3\n",
        "id_code,diagnosis\na,3\nb,1\n",
        "image_id,dx,label\na,?,3\nb,?,1\n",
        // Hugging Face's imagefolder, and GTSRB as Kaggle has it.
        "file_name,caption,label\na.png,\"a, b\",3\nb.png,one,1\n",
        "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n9,9,1,1,8,8,3,Test/a.png\n9,9,1,1,8,8,1,Test/b.png\n",
        // Converted since the table was made.
        "file,label\na.jpg,3\nb.jpg,1\n",
        // As Caffe and ImageNet list them, and in other case than the pictures.
        "data/a.png 3\ndata/b.png 1\n",
        "file,label\nA.PNG,3\nB.PNG,1\n",
        // JSON: objects, lines of them as Hugging Face has them, pairs, maps, labels alone.
        r#"[{"file": "a.png", "label": 3}, {"file": "b.png", "label": 1}]"#,
        "{\"file_name\": \"a.png\", \"label\": 3}\n{\"file_name\": \"b.png\", \"label\": 1}\n",
        r#"{"labels": [["a.png", 3], ["b.png", 1]]}"#,
        r#"{"a.png": 3, "b.png": "1"}"#,
        r#"{"a.png": {"label": 3, "box": [1, 2]}, "b.png": {"label": 1, "box": []}}"#,
        "[3, 1]",
        // The file is not in the first column, and nothing says so.
        "what,which\n3,a.png\n1,b.png\n",
        "3,a\n1,b\n",
        // A column for each class, headed 1, 2 and 3.
        "image,1,2,3\na,0.0,0.0,1.0\nb,1.0,0.0,0.0\n",
    ] {
        assert_eq!(
            labels(text, &["a.png", "b.png"]).unwrap(),
            ["3", "1"],
            "{text:?}"
        );
    }
}

#[test]
fn numbers_lose_their_zeros_and_find_their_image_all_the_same() {
    let text = "id,label\n1,x\n20,y\n";
    assert_eq!(labels(text, &["0001.png", "0020.png"]).unwrap(), ["x", "y"]);
    // Unless two images could be meant.
    let twice = "id,label\n1,x\n01,y\n";
    assert!(labels(twice, &["0001.png"]).is_err());
    assert_eq!(labels(twice, &["01.png", "1.png"]).unwrap(), ["y", "x"]);
}

#[test]
fn a_label_with_commas_is_a_label() {
    let names = ClassNames {
        names: ["go", "stop, now"].map(str::to_owned).into(),
        aliases: Vec::new(),
    };
    let found = named("stop, now\ngo\n", &["a.png", "b.png"], Some(&names));
    assert_eq!(found.unwrap(), ["stop, now", "go"]);
}

#[test]
fn equal_file_names_in_different_folders_are_told_apart() {
    let text = "x/1.png,0\ny/1.png,1\n";
    assert_eq!(labels(text, &["y/1.png", "x/1.png"]).unwrap(), ["1", "0"]);
    assert_eq!(
        labels(text, &["set/y/1.png", "set/x/1.png"]).unwrap(),
        ["1", "0"]
    );
    let longer = "root/set/x/1,0\nroot/set/y/1,1\n";
    assert_eq!(labels(longer, &["y/1.png", "x/1.png"]).unwrap(), ["1", "0"]);
    let error = labels(text, &["z/1.png"]).unwrap_err();
    assert!(error.contains("z/1.png"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    for (text, word) in [
        ("3\n", "1 labels for 2 images"),
        ("a.png,3\n", "b.png"),
        ("a.png,3\na.png,4\nb.png,1\n", "two different labels"),
        ("what,is,this\na.png,3,1\n", "header"),
        ("file,x,y1\na.png,1,1\nb.png,0,1\n", "marks"),
        ("file,x,y1\na.png,0,0\nb.png,0,1\n", "no class"),
        ("a.png\nb.png,1\n", "cells"),
        ("a.png,3\nb.png,-1\n", "line 2: \"-1\""),
        (
            "0,99999999999999999999\n0,99999999999999999999\n",
            "99999999999999999999",
        ),
        ("", "0 labels"),
    ] {
        let error = labels(text, &["a.png", "b.png"]).unwrap_err();
        assert!(error.contains(word), "{text:?}: {error}");
    }
}

proptest! {
    #[test]
    fn any_table_gives_a_label_for_each_image_or_an_error(text in "[ab01,./\n]{0,60}") {
        if let Ok(found) = labels(&text, &["a.png", "b/1.png"]) {
            prop_assert_eq!(found.len(), 2);
        }
    }
}

#[test]
fn json_that_is_no_labels_is_refused() {
    for (text, word) in [
        (r#"[{"file": "a.png"}, 3]"#, "entry 2"),
        ("[]", "no labels"),
        (
            r#"{"images": [{"id": 1}], "annotations": [{"id": 1}]}"#,
            "pairs",
        ),
        (r#"{"images": [1], "labels": [2]}"#, "several lists"),
        ("[null]", "entry 1"),
    ] {
        let error = labels(text, &["a.png"]).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
    // A table whose first cell begins like JSON stays a table.
    assert_eq!(labels("[a].png,3\n", &["[a].png"]).unwrap(), ["3"]);
    assert!(labels(&"[".repeat(5000), &["a.png", "b.png"]).is_err());
}

#[test]
fn a_blank_separates_a_picture_from_its_label() {
    let text = "my photo.png great white shark\nb.png cat\n";
    let names = labels(text, &["my photo.png", "b.png"]).unwrap();
    assert_eq!(names, ["great white shark", "cat"]);
    // Words alone are labels.
    assert_eq!(
        labels("red fox\ncat\n", &["a.png", "b.png"]).unwrap(),
        ["red fox", "cat"]
    );
}
