//! What the program knows beforehand of the library that it ships with.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use gifthorse_defense::verdict::{CleanModels, Library, Method};

/// The seed of a scan that is given none.
const SEED: u64 = 0;
/// What is stored is rounded to six decimals.
const ROUNDED: f64 = 5.1e-7;

/// How surprising the models of the library are to each method, measured now.
fn measured() -> BTreeMap<Method, BTreeMap<String, Vec<f64>>> {
    let library = Library::shipped().unwrap();
    let fitted = CleanModels::fit(&library, SEED).unwrap();
    let of = |method: &Method| Some((method.clone(), fitted.surprises(method)?.clone()));
    library.methods().keys().filter_map(of).collect()
}

/// The file, with a line for each model.
fn stored(measured: &BTreeMap<Method, BTreeMap<String, Vec<f64>>>) -> String {
    let rounded = |surprise: &f64| (surprise * 1e6).round() / 1e6;
    let of_model = |(name, surprises): (&String, &Vec<f64>)| {
        let rounded: Vec<f64> = surprises.iter().map(rounded).collect();
        format!("{name:?}:{}", serde_json::to_string(&rounded).unwrap())
    };
    let of_method = |(method, models): (&Method, &BTreeMap<String, Vec<f64>>)| {
        let models: Vec<String> = models.iter().map(of_model).collect();
        format!("\"{method}\":{{\n{}}}", models.join(",\n"))
    };
    let methods: Vec<String> = measured.iter().map(of_method).collect();
    format!(
        "{{\"seed\":{SEED},\"surprises\":{{\n{}}}}}\n",
        methods.join(",\n")
    )
}

/// Measured anew, the models of the library are as surprising as the program takes them to be, and
/// with another seed nearly so.
#[test]
fn the_surprises_that_ship_are_those_of_the_library_that_ships() {
    let measured = measured();
    if env::var_os("GIFTHORSE_UPDATE_SURPRISES").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/clean_surprises.json");
        fs::write(path, stored(&measured)).unwrap();
        return;
    }
    let methods: Vec<&Method> = measured.keys().collect();
    let shipped = CleanModels::shipped(&methods, SEED).unwrap();
    for (method, models) in &measured {
        let known = shipped.surprises(method).unwrap();
        assert!(
            known.keys().eq(models.keys()),
            "{method}: run this test with GIFTHORSE_UPDATE_SURPRISES=1 and commit the file"
        );
        for (model, surprises) in models {
            let pairs = known[model].iter().zip(surprises);
            let furthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(
                furthest <= ROUNDED && known[model].len() == surprises.len(),
                "{method}, {model}: off by {furthest}: run this test with \
                 GIFTHORSE_UPDATE_SURPRISES=1 and commit the file"
            );
        }
    }
    let one = methods[0];
    let other = CleanModels::shipped(&[one], SEED + 1).unwrap();
    assert!(
        methods[1..]
            .iter()
            .all(|method| other.surprises(method).is_none())
    );
    let of_all = |of: &CleanModels| {
        let models = of.surprises(one).unwrap().values();
        models.flatten().sum::<f64>()
    };
    let (known, other) = (of_all(&shipped), of_all(&other));
    assert!(
        known != other && (known - other).abs() < 0.05 * known,
        "{known} {other}"
    );
}
