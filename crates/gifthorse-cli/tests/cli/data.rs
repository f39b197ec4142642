//! Data sets by name.

use crate::bench::Bench;

#[test]
fn data_sets_are_listed_with_their_place() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("sets/mnist")).unwrap();
    let list = bench.run("data list --data sets").expect(0).out();
    let line = |name: &str| {
        list.lines()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap()
    };
    assert!(line("mnist").contains("there"), "{list}");
    assert!(line("gtsrb").contains("missing"), "{list}");
    assert!(line("signs").contains("generated"), "{list}");
}

#[test]
fn what_cannot_be_fetched_is_named() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("sets/mnist")).unwrap();
    bench
        .run("data fetch mnist --to sets")
        .expect(2)
        .says(&["mnist", "there already"]);
    bench
        .run("data fetch imagenet --to sets")
        .expect(2)
        .says(&["imagenet", "mnist"]);
    bench
        .run("data fetch tiny_imagenet --to sets")
        .expect(2)
        .says(&["tiny_imagenet"]);
    // A proxy that nobody is behind is no network.
    let gone = bench.run_with(
        "data fetch fashion_mnist --to sets",
        &[("https_proxy", "http://127.0.0.1:9")],
    );
    gone.expect(2)
        .says(&["fashion-mnist", "cannot be downloaded", "without a network"]);
    assert!(!bench.path("sets/fashion-mnist").exists());
}
