//! The file format of libraries of clean models and of backdoored ones.

use gifthorse_defense::verdict::{
    Backdoored, BackdooredModel, ClassEvidence, Library, LibraryError, LibraryModel, SetAside,
};

use crate::models::{PIXELS, WORKS, evidence, found_in, one_method};
use crate::population::method;

/// The example of the format's documentation, and another model.
const FILE: &str = r#"{
    "version": 2,
    "methods": {"trigger standard": {"comparable": true}, "margin1 standard": {"comparable": false}},
    "models": [
        {"name": "b", "recipe": "small-cnn", "data": "gtsrb", "pixels": 1024, "classes": 5,
         "detectors": {
            "trigger standard": {"values": [-2.3127, -1.8705, null, -2.0412, -2.5501], "confirmed": [0, 1, 3]},
            "margin1 standard": {"values": [-2.91, -3.02, -2.88, -2.75, -2.97]}}},
        {"name": "a", "recipe": "vit", "data": "mnist", "pixels": 784, "classes": 2,
         "detectors": {"trigger standard": {"values": [-2, -1.5]}}}
    ]
}"#;

fn model(name: &str) -> LibraryModel {
    LibraryModel::from_evidence(name, "recipe", "data", &evidence(&[40.0, 50.0, 0.0])).unwrap()
}

#[test]
fn a_file_is_read_and_written_back() {
    let library = Library::from_json(FILE).unwrap();
    let first = &library.models()[0].detectors[&method(0)];
    assert_eq!(
        (first.compared(), first.unreached(), first.ascending()),
        (5, 1, vec![-2.5501, -2.3127, -2.0412, -1.8705])
    );
    assert_eq!(
        library.models()[1].detectors[&method(0)].confirmed,
        Vec::<usize>::new()
    );
    let again = Library::from_json(&library.to_json().unwrap()).unwrap();
    assert_eq!(again, library);
    assert_eq!(again.to_json().unwrap().lines().count(), 4);

    let infected = BackdooredModel {
        found: model("c"),
        attack: "badnets".to_owned(),
        trigger_pixels: Some(16.0),
        targets: vec![2],
    };
    let all = Backdoored::new(library.methods().clone(), vec![infected]).unwrap();
    assert_eq!(Backdoored::from_json(&all.to_json().unwrap()), Ok(all));
}

#[test]
fn evidence_becomes_a_model() {
    let mut found = evidence(&[40.0, 50.0, 0.0]);
    found.witnesses[0].classes[1].reached = false;
    found.witnesses[0].classes[2].confirmation = None;
    found.witnesses[0].classes.rotate_left(1);
    let model = LibraryModel::from_evidence("m", "r", "d", &found).unwrap();
    let found = &model.detectors[&method(0)];
    let size = (40.0f64 / PIXELS as f64).ln();
    assert!((found.values[0].unwrap() - size).abs() < 1e-4);
    assert_eq!((found.values[1], found.unreached()), (None, 1));
    // No trigger at all is needed: the least size that there is.
    assert!((found.values[2].unwrap() - (1.0 / 255.0 / PIXELS as f64).ln()).abs() < 1e-4);
    assert_eq!(found.confirmed, [0]);
}

#[test]
fn models_searched_in_part_are_refused() {
    let all = || evidence(&[40.0, 50.0, 60.0]);
    let mut missing = all();
    missing.witnesses[0].classes.remove(1);
    let mut aside = all();
    aside.witnesses[0].set_aside = SetAside {
        classes: 1,
        sample: vec![0],
    };
    let mut twice = all();
    twice.witnesses[0].classes[1] = ClassEvidence {
        also: Vec::new(),
        source: None,
        class: 0,
        value: -3.0,
        reached: true,
        confirmation: Some(WORKS),
    };
    for part in [missing, aside, twice] {
        assert_eq!(
            LibraryModel::from_evidence("m", "r", "d", &part),
            Err(LibraryError::NotAllSearched("m".to_owned()))
        );
    }
}

#[test]
fn malformed_libraries_are_errors_that_name_the_model() {
    let new = |models| Library::new(one_method(), models);
    assert!(new(vec![]).is_ok());
    assert_eq!(
        new(vec![model("x"), model("y"), model("x")]),
        Err(LibraryError::DuplicateName("x".to_owned()))
    );
    let with = |change: fn(&mut LibraryModel)| {
        let mut bad = model("x");
        change(&mut bad);
        new(vec![bad]).unwrap_err()
    };
    assert!(matches!(
        with(|m| m.classes = 1),
        LibraryError::TooFewClasses(_, 1)
    ));
    assert!(matches!(
        with(|m| m.pixels = 0),
        LibraryError::NoPixels(name) if name == "x"
    ));
    assert!(matches!(
        with(|m| found_in(m).values.truncate(2)),
        LibraryError::Values {
            values: 2,
            classes: 3,
            ..
        }
    ));
    let mut undeclared = model("x");
    let found = found_in(&mut undeclared).clone();
    undeclared.detectors.insert(method(1), found);
    assert!(matches!(
        new(vec![undeclared]),
        Err(LibraryError::UndeclaredMethod { .. })
    ));
    for change in [
        (|m| found_in(m).values[1] = Some(f64::NAN)) as fn(&mut LibraryModel),
        |m| found_in(m).values[1] = Some(f64::NEG_INFINITY),
    ] {
        assert!(matches!(with(change), LibraryError::Value { class: 1, .. }));
    }
    assert!(matches!(
        with(|m| found_in(m).confirmed = vec![3]),
        LibraryError::NoSuchClass { class: 3, .. }
    ));
    let infected = |targets| BackdooredModel {
        found: model("c"),
        attack: "badnets".to_owned(),
        trigger_pixels: None,
        targets,
    };
    assert!(matches!(
        Backdoored::new(one_method(), vec![infected(vec![9])]),
        Err(LibraryError::NoSuchClass { class: 9, .. })
    ));
    assert_eq!(
        Backdoored::new(one_method(), vec![infected(vec![0]), infected(vec![1])]),
        Err(LibraryError::DuplicateName("c".to_owned()))
    );
    for text in ["", "[]", "{}", &FILE.replace("pixels", "pixel")] {
        assert!(matches!(
            Library::from_json(text),
            Err(LibraryError::Json(_))
        ));
    }
    assert_eq!(
        Library::from_json(&FILE.replace("\"version\": 2", "\"version\": 1")),
        Err(LibraryError::Version { found: 1, known: 2 })
    );
}
