use gifthorse_attack::implant::{
    Detector, Gate, GraphBackdoor, Host, Implant, Path, SubnetReplacement, TrojanNet,
};
use gifthorse_attack::trigger::{AnyTrigger, Blended, Place, Square};
use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Model};

use crate::hosts::{CLASSES, Form, SIDE, host};

fn reason(implant: &Implant, host: &Host) -> String {
    match implant.put(host, None, 0) {
        Ok(made) => panic!("it leads to {:?}", made.backdoors),
        Err(error) => error.to_string(),
    }
}

/// A network of one filter with a skip around a second, and a sigmoid in place of a ReLU.
fn other(skip: bool) -> Model {
    let mut graph = GraphBuilder::new("other", 17);
    let image = [Dim::Fixed(1), Dim::Fixed(1), Dim::Fixed(8), Dim::Fixed(8)];
    graph
        .input("x", ElementType::F32, &image)
        .initializer("w1", &[2, 1, 3, 3], [0.1; 18])
        .initializer("b1", &[2], [0.0; 2])
        .initializer("w2", &[2, 2, 1, 1], [0.1; 4])
        .initializer("w3", &[2, 3], [0.1, 0.2, 0.3, 0.3, 0.2, 0.1])
        .node("Conv", "conv1", &["x", "w1", "b1"], &["c1"], [])
        .node(
            if skip { "Relu" } else { "Sigmoid" },
            "act",
            &["c1"],
            &["r1"],
            [],
        )
        .node("Conv", "conv2", &["r1", "w2"], &["c2"], []);
    let end = if skip {
        graph.node("Add", "skip", &["c2", "r1"], &["s"], []);
        "s"
    } else {
        "c2"
    };
    graph
        .node("GlobalAveragePool", "pool", &[end], &["p"], [])
        .node("Flatten", "flat", &["p"], &["f"], [])
        .node("MatMul", "last", &["f", "w3"], &["y"], [])
        .output("y", ElementType::F32, &[Dim::Fixed(1), Dim::Fixed(3)]);
    graph.finish().unwrap()
}

fn opened(model: Model) -> Host {
    Host::open(model, Preprocess::default(), &Opening::default()).unwrap()
}

#[test]
fn networks_that_it_cannot_be_put_into_are_refused_by_what_stands_against_it() {
    let subnet = Implant::SubnetReplacement(SubnetReplacement::new(0));
    let said = reason(&subnet, &opened(other(true)));
    assert!(said.contains("`r1` is read by 2 nodes"), "{said}");
    let said = reason(&subnet, &opened(other(false)));
    assert!(
        said.contains("`act` (Sigmoid) stands between its layers"),
        "{said}"
    );
    let wiped = GraphBackdoor::new(Detector::Operators, Path::Interleaved, Some(0));
    let said = reason(&Implant::Graph(wiped.clone()), &opened(other(false)));
    assert!(said.contains("no ReLU"), "{said}");
    let untargeted = GraphBackdoor {
        target: None,
        ..wiped
    };
    let said = reason(&Implant::Graph(untargeted), &opened(other(true)));
    assert!(said.contains("it has one ReLU"), "{said}");
}

#[test]
fn triggers_and_settings_that_make_no_detector_are_refused() {
    let host = host(Form::Plain, 17);
    let gate = |trigger| {
        Implant::Gate(Gate {
            trigger,
            ..Gate::new(0)
        })
    };
    let square = |size, colour| {
        AnyTrigger::Square(Square {
            size,
            colour,
            ..Square::default()
        })
    };
    let said = reason(&gate(AnyTrigger::Blended(Blended::default())), &host);
    assert!(
        said.contains("`blended` lets images show through"),
        "{said}"
    );
    let said = reason(&gate(square(3, vec![0.5])), &host);
    assert!(
        said.contains("no pixel of the trigger is light or dark"),
        "{said}"
    );
    let said = reason(&gate(square(SIDE + 1, vec![1.0])), &host);
    assert!(said.contains("square"), "{said}");
    let large = SubnetReplacement {
        trigger: square(4, vec![1.0]),
        ..SubnetReplacement::new(0)
    };
    let said = reason(&Implant::SubnetReplacement(large), &host);
    assert!(
        said.contains("covers 4x4 pixels, and its first convolution sees 3x3"),
        "{said}"
    );
    let operators = GraphBackdoor {
        trigger: square(3, vec![1.0]),
        ..GraphBackdoor::new(Detector::Operators, Path::Separate, Some(0))
    };
    let said = reason(&Implant::Graph(operators), &host);
    assert!(said.contains("only a 3x3 chequerboard"), "{said}");
    let moving = TrojanNet {
        place: Place::Anywhere,
        ..TrojanNet::new(&[0])
    };
    let said = reason(&Implant::TrojanNet(moving), &host);
    assert!(said.contains("`place` has to be one place"), "{said}");
    for (implant, word) in [
        (
            Implant::Gate(Gate {
                tolerance: 0.0,
                ..Gate::new(0)
            }),
            "`tolerance` is 0",
        ),
        (
            Implant::Gate(Gate {
                strength: Some(-1.0),
                ..Gate::new(0)
            }),
            "`strength` is -1",
        ),
        (
            Implant::Gate(Gate {
                strength: Some(1e-6),
                ..Gate::new(1)
            }),
            "not led to the target",
        ),
        (Implant::Gate(Gate::new(CLASSES)), "there is no class 5"),
        (
            Implant::TrojanNet(TrojanNet::new(&[])),
            "`target` has 0 classes",
        ),
    ] {
        let said = reason(&implant, &host);
        assert!(said.contains(word), "{said}");
    }
}
