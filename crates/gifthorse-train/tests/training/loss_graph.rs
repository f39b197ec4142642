//! What losses are computed by: recorded in each step, and held to what is trusted.

use std::time::Duration;

use gifthorse_data::Images;
use gifthorse_train::net::{AnyNet, Table8};
use gifthorse_train::{
    Balance, Change, Checkpoint, Error, FurtherLosses, LossGraphs, Recipe, Shaping, Sharpness,
    Training,
};
use tempfile::tempdir;

use crate::{SHAPE, blobs::blobs, net, recipe};

/// The same image, of class 0.
struct Relabelled {
    share: f64,
}

impl Change for Relabelled {
    fn change(&self, _: usize, _: usize, _: &mut [f32], _: usize) -> Result<usize, Error> {
        Ok(0)
    }

    fn share(&self) -> f64 {
        self.share
    }
}

/// 50 images: three batches of 16, and two left over.
fn images() -> Images {
    blobs(SHAPE, 50)
}

fn graphs_of(recipe: &Recipe) -> LossGraphs {
    let trained = Training::new(&net(1), &images(), recipe).run().unwrap();
    trained.graphs
}

/// The step at which a run is refused, and why.
fn refused(training: &Training<'_>, trusted: &LossGraphs) -> (usize, String, LossGraphs) {
    let outcome = training.trusted(trusted).run();
    let refused = match outcome.map(|trained| trained.updates) {
        Err(Error::UntrustedLoss {
            step,
            difference,
            graphs,
        }) => Ok((step, difference.to_string(), *graphs)),
        other => Err(other),
    };
    refused.unwrap()
}

#[test]
fn all_steps_of_a_clean_run_have_one_graph_whatever_seed_and_threads() {
    let graphs = graphs_of(&recipe(2));
    assert_eq!(graphs.graphs.len(), 1);
    assert_eq!((graphs.steps(), graphs.graphs[0].first), (6, 1));
    let term = &graphs.graphs[0].losses.terms()[0];
    assert_eq!(term.times, recipe(2).shards);
    let names = term.operations.iter().map(|it| it.operation.as_str());
    let names: Vec<&str> = names.collect();
    let network = format!("network {}", graphs.networks[0].sha256);
    let loss = [
        "images",
        &network,
        "labels",
        "log softmax",
        "multiply",
        "sum",
        "divide by 16",
    ];
    for name in loss {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(names.len(), loss.len());
    let inside = &graphs.networks[0].operations;
    for part in ["Conv", "Dropout", "weight "] {
        let has = inside.iter().any(|it| it.operation.starts_with(part));
        assert!(has, "{part}");
    }

    let other = Recipe {
        seed: 7,
        learning_rate: 0.5 * recipe(2).learning_rate,
        ..recipe(2)
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let other = pool.unwrap().install(|| graphs_of(&other));
    assert_eq!(other.to_json().unwrap(), graphs.to_json().unwrap());
    let (net, images, recipe) = (net(3), images(), recipe(1));
    let again = Training::new(&net, &images, &recipe).trusted(&graphs);
    assert_eq!(again.run().unwrap().updates, 3);
}

#[test]
fn what_is_written_is_read_and_what_contradicts_itself_is_not() {
    let graphs = graphs_of(&recipe(1));
    let json = graphs.to_json().unwrap();
    assert_eq!(LossGraphs::from_json(&json).unwrap(), graphs);
    let text = String::from_utf8(json).unwrap();
    for (from, to, why) in [
        ("\"version\": 1", "\"version\": 2", "version"),
        ("Dropout", "Dripout", "digest"),
        ("\"log softmax\"", "\"log softmax\", \"more\": 1", "more"),
    ] {
        let broken = text.replacen(from, to, 1);
        let error = LossGraphs::from_json(broken.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let last = graphs.graphs[0].losses.terms()[0].operations.len();
    let at = text.rfind("\"parents\": [").unwrap() + "\"parents\": [".len();
    let ahead = format!("{}{last},{}", &text[..at], &text[at..]);
    let error = LossGraphs::from_json(ahead.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("before its parents"), "{error}");
    assert!(LossGraphs::from_json(b"[]").is_err());
}

#[test]
fn one_more_loss_is_found_in_the_first_step_that_has_it() {
    let (net, images, recipe) = (net(1), images(), recipe(6));
    let clean = Training::new(&net, &images, &recipe).run().unwrap();
    let trusted = clean.graphs;
    let always = Balance::default();
    // Reached by the first epoch as a whole.
    let late = Balance {
        below: Some(1.01 * clean.epochs[0].loss),
        ..always
    };
    for (share, balance) in [(1.0, always), (0.3, always), (1.0, late)] {
        let changes: Vec<Box<dyn Change>> = vec![Box::new(Relabelled { share })];
        let further = FurtherLosses {
            changes: &changes,
            balance,
        };
        let training = Training::new(&net, &images, &recipe).further_losses(further);
        let unwatched = training.run().unwrap().graphs;
        let blind = unwatched.graphs.iter().find(|it| !trusted.has(&it.losses));
        let first = blind.unwrap().first;
        let (step, why, graphs) = refused(&training, &trusted);
        assert_eq!(step, first);
        assert_eq!(graphs.steps(), step);
        // Both losses are weighed, and each passes through the network.
        let (one, both) = (recipe.shards, 2 * recipe.shards);
        let said = format!("a loss, {both} times in place of {one}, that goes on with weigh");
        assert_eq!(why, said);
        if share < 1.0 || balance.below.is_some() {
            assert!(step > 1, "{step}");
            assert_eq!(unwatched.graphs.len(), 2);
        }
    }
}

#[test]
fn another_step_of_training_is_found_at_once_and_allowed_where_it_is_trusted() {
    let images = images();
    let plain = graphs_of(&recipe(1));
    let others = [
        Recipe {
            shaping: Some(Shaping {
                clip: 1.0,
                noise: 0.0,
            }),
            ..recipe(1)
        },
        Recipe {
            sharpness: Some(Sharpness { radius: 0.1 }),
            ..recipe(1)
        },
        Recipe {
            batch: 8,
            shards: 2,
            ..recipe(1)
        },
    ];
    for other in &others {
        let net = net(1);
        let training = Training::new(&net, &images, other);
        let (step, why, _) = refused(&training, &plain);
        assert_eq!(step, 1, "{why}");
        let own = training.run().unwrap().graphs;
        assert!(training.trusted(&own).run().is_ok());
    }
    let narrow = AnyNet::Table8(Table8 {
        channels: [3, 4, 4],
        hidden: 8,
        ..Table8::default()
    });
    let narrow = narrow.build(SHAPE, 4, 1).unwrap();
    let (step, why, _) = refused(&Training::new(&narrow, &images, &recipe(1)), &plain);
    assert!(step == 1 && why.contains("network"), "{why}");
}

/// The graph knows nothing of images and labels: this is no defence against poisoned data.
#[test]
fn poisoned_data_has_the_graph_of_clean_data() {
    let trusted = graphs_of(&recipe(1));
    let images = images();
    let labels = vec![0; images.len()];
    let (pixels, names) = (images.pixels().to_vec(), images.names().to_vec());
    let poisoned = Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap();
    let net = net(1);
    let recipe = recipe(1);
    let training = Training::new(&net, &poisoned, &recipe);
    assert!(training.trusted(&trusted).run().is_ok());
}

#[test]
fn a_run_that_goes_on_answers_for_the_steps_before() {
    let folder = tempdir().unwrap();
    let (net, images, recipe) = (net(1), images(), recipe(2));
    let trusted = graphs_of(&recipe);
    let changes: Vec<Box<dyn Change>> = vec![Box::new(Relabelled { share: 1.0 })];
    let further = FurtherLosses {
        changes: &changes,
        balance: Balance::default(),
    };
    let path = folder.path().join("blind");
    let blind = Checkpoint::at(path).every(Duration::ZERO);
    let run = Training::new(&net, &images, &recipe)
        .further_losses(further)
        .checkpoint(&blind);
    assert_eq!(run.run().unwrap().graphs.steps(), 6);
    // All is done, and nothing would be checked.
    let (step, _, _) = refused(&run, &trusted);
    assert_eq!(step, 1);

    let clean = Checkpoint::at(folder.path().join("clean")).every(Duration::ZERO);
    let run = Training::new(&net, &images, &recipe).checkpoint(&clean);
    assert_eq!(run.run().unwrap().graphs, trusted);
    let again = run.trusted(&trusted).run().unwrap();
    assert_eq!(again.graphs, trusted);
}
