//! Large models: how much memory they take, and what is said where there is not enough.

use std::process::{Command, Output};

use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

use crate::bench::{Bench, CLASSES, SIDE};

/// Rows and columns of a weight of 16 MiB.
const WIDE: usize = 2048;
/// How many of them there are, 400 MiB in all.
const LAYERS: usize = 25;

/// Writes a model of many wide layers, each of which gives what it takes. Class k is that of the
/// k-th block of the grid.
fn write_large(bench: &Bench, name: &str) {
    let pixels = 3 * SIDE * SIDE;
    let diagonal = |rows: usize| {
        let mut weight = vec![0.0; rows * WIDE];
        (0..rows).for_each(|at| weight[at * WIDE + at] = 1.0);
        weight
    };
    let mut last = vec![0.0; WIDE * CLASSES];
    for at in 0..SIDE * SIDE {
        let block = at / SIDE / 4 * 4 + at % SIDE / 4;
        if block < CLASSES {
            last[at * CLASSES + block] = 1.0;
        }
    }
    let batch = || Dim::Named("batch".to_owned());
    let image = [3, SIDE, SIDE].map(Dim::Fixed);
    let mut graph = GraphBuilder::new("large", 17);
    graph
        .input("x", ElementType::F32, &[&[batch()][..], &image].concat())
        .initializer("first", &[pixels, WIDE], diagonal(pixels))
        .initializer("last", &[WIDE, CLASSES], last)
        .node("Flatten", "flat", &["x"], &["flat"], [])
        .node("MatMul", "first", &["flat", "first"], &["v0"], []);
    for layer in 0..LAYERS {
        let [from, weight, sum, to] = [
            format!("v{layer}"),
            format!("w{layer}"),
            format!("s{layer}"),
            format!("v{}", layer + 1),
        ];
        graph
            .initializer(&weight, &[WIDE, WIDE], diagonal(WIDE))
            .node("MatMul", &weight, &[&from, &weight], &[&sum], [])
            .node("Relu", &to, &[&sum], &[&to], []);
    }
    let end = format!("v{LAYERS}");
    graph
        .node("MatMul", "last", &[&end, "last"], &["y"], [])
        .output("y", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)]);
    graph.finish().unwrap().write(bench.path(name)).unwrap();
}

/// Runs the program in so many MiB of address space.
fn run_in(bench: &Bench, mebibytes: usize, arguments: &str) -> Output {
    let limited = format!(
        "ulimit -c 0; ulimit -v {}; exec \"$0\" {arguments}",
        mebibytes << 10
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &limited, env!("CARGO_BIN_EXE_gifthorse")]);
    shell.current_dir(bench.path("")).output().unwrap()
}

/// The file is in memory once and the packed weights once: a third copy would not fit.
#[test]
#[cfg(target_os = "linux")]
fn weights_are_packed_once_and_too_little_memory_is_said() {
    let bench = Bench::new();
    write_large(&bench, "large.onnx");
    bench.images("images", 4, |class| class.to_string());
    let scan = "--threads 1 scan large.onnx --images images --max-time 1s --out report";

    let output = run_in(&bench, 1060, scan);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    // It came to its searches; whether there was time for any depends on the machine.
    assert!(said.contains("8 searches"), "{said}");
    let predicted = said
        .split("takes up to ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .and_then(|number| number.parse::<usize>().ok());
    assert!(
        predicted.is_some_and(|mib| (800..960).contains(&mib)),
        "{said}"
    );

    for (mebibytes, what) in [(700, "before it is packed"), (900, "before it is searched")] {
        let output = run_in(&bench, mebibytes, scan);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{what}: {said}");
        assert!(
            said.contains("large.onnx would take another"),
            "{what}: {said}"
        );
    }
}
