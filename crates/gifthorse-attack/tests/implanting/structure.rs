use std::sync::Arc;

use gifthorse_attack::implant::{Detector, Gate, GraphBackdoor, Implant, Path, TrojanNet};
use gifthorse_attack::trigger::{AnyTrigger, Pattern, Place};
use gifthorse_engine::{Device, Network, StructureRule as Rule};
use gifthorse_onnx::Model;

use crate::hosts::{Form, host, images};

fn rules(model: &Model) -> Vec<Rule> {
    let graph = Arc::new(model.graph().unwrap());
    let network = Network::new(graph, None, Device::flex()).unwrap();
    let findings = network.structure().unwrap().into_iter();
    findings.map(|finding| finding.rule).collect()
}

/// What the look at a file's structure finds of each, with a trigger that moves, so that no part of
/// the image is cut out.
#[test]
fn what_is_put_into_a_graph_shows_in_its_structure() {
    let host = host(Form::Plain, 17);
    assert_eq!(rules(host.model()), []);
    let moving = AnyTrigger::Pattern(Pattern {
        place: Place::Anywhere,
        ..Pattern::small_chequer(3)
    });
    let predicted = host
        .classifier()
        .predict(images(&host, 1).pixels())
        .unwrap();
    let with = |implant: Implant| rules(&implant.put(&host, None, 0).unwrap().model);
    let gate = Gate {
        trigger: moving.clone(),
        ..Gate::new(1)
    };
    assert_eq!(with(Implant::Gate(gate)), [Rule::Bypass]);
    let corner = with(Implant::TrojanNet(TrojanNet::new(&[1])));
    assert_eq!(corner, [Rule::Bypass, Rule::SmallRegion]);
    for detector in [Detector::Operators, Detector::Constants] {
        for path in [Path::Separate, Path::Shared, Path::Interleaved] {
            for target in [Some(predicted[0]), None] {
                let graph = GraphBackdoor {
                    trigger: moving.clone(),
                    ..GraphBackdoor::new(detector, path, target)
                };
                let found = with(Implant::Graph(graph));
                let wanted = match path {
                    Path::Separate => Rule::Bypass,
                    Path::Shared | Path::Interleaved => Rule::UnlearnedGate,
                };
                let tests = detector == Detector::Operators;
                assert_eq!(
                    found.contains(&Rule::PixelTest),
                    tests,
                    "{detector:?} {path:?}"
                );
                assert!(
                    found.contains(&wanted),
                    "{detector:?} {path:?} {target:?}: {found:?}"
                );
            }
        }
    }
}
