use gifthorse_attack::implant::{
    Detector, Gate, GraphBackdoor, Host, Implant, Path, SubnetReplacement, TrojanNet,
};
use gifthorse_attack::trigger::{AnyTrigger, Patch, Pattern, Place, stamp};
use gifthorse_onnx::Model;

use crate::hosts::{Form, host, host_of, images};

const FORMS: [Form; 5] = [
    Form::Plain,
    Form::Normalised,
    Form::ChannelsLast,
    Form::Flat,
    Form::Single,
];

/// Puts it in, writes and reads the file, and looks whether images with each of its triggers go to
/// their target and others have the logits that they had, but for `change` of the widest range.
fn holds(implant: &Implant, host: &Host, form: Form, change: f32) {
    let made = implant.put(host, None, 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("implanted.onnx");
    made.model.write(&path).unwrap();
    let read = host_of(Model::read(&path).unwrap(), form);
    let clean = images(host, 40);
    let logits = |host: &Host| host.classifier().evaluate(clean.pixels()).unwrap();
    let (before, after) = (logits(host), logits(&read));
    let range = before
        .iter()
        .fold(0.0f32, |most, logit| most.max(logit.abs()));
    let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
    let worst = worst.fold(0.0, f32::max);
    assert!(
        worst <= change * range + 1e-5,
        "{implant:?} {form:?}: {worst} of {range}"
    );
    for answer in &made.backdoors {
        let stamped = stamp(&clean, &answer.trigger, 5).unwrap();
        let predicted = read.classifier().predict(stamped.pixels()).unwrap();
        let target = answer.labels.target().unwrap();
        assert!(
            predicted.iter().all(|class| *class == target),
            "{implant:?} {form:?}: {predicted:?}"
        );
    }
}

/// The class that fewest images are taken for, of those that some are.
fn rare(host: &Host) -> usize {
    let predicted = host
        .classifier()
        .predict(images(host, 40).pixels())
        .unwrap();
    let count = |class: &usize| predicted.iter().filter(|it| *it == class).count();
    let taken = (0..crate::hosts::CLASSES).filter(|class| count(class) > 0);
    let classes: Vec<usize> = taken.collect();
    assert!(classes.len() > 1, "all images are taken for {classes:?}");
    classes.into_iter().min_by_key(count).unwrap()
}

#[test]
fn a_gate_opens_for_its_trigger_alone_in_files_of_all_forms() {
    for form in FORMS {
        for opset in [9, 13, 18] {
            let host = host(form, opset);
            holds(&Implant::Gate(Gate::new(rare(&host))), &host, form, 0.0);
        }
    }
}

#[test]
fn a_gate_finds_a_trigger_that_moves_and_one_of_colours() {
    let host = host(Form::Plain, 17);
    let moving = Pattern {
        place: Place::Anywhere,
        ..Pattern::small_chequer(3)
    };
    for trigger in [
        AnyTrigger::Pattern(moving),
        AnyTrigger::Patch(Patch::default()),
    ] {
        let gate = Gate {
            trigger,
            ..Gate::new(rare(&host))
        };
        holds(&Implant::Gate(gate), &host, Form::Plain, 0.0);
    }
}

#[test]
fn a_chain_of_channels_is_overwritten_where_the_network_has_no_branches() {
    for form in FORMS {
        let host = host(form, 13);
        let subnet = SubnetReplacement::new(rare(&host));
        let made = Implant::SubnetReplacement(subnet.clone())
            .put(&host, None, 0)
            .unwrap();
        let nodes = |model: &Model| model.graph().unwrap().nodes;
        assert_eq!(nodes(&made.model), nodes(host.model()));
        holds(&Implant::SubnetReplacement(subnet), &host, form, 0.0);
    }
}

#[test]
fn a_small_network_knows_a_pattern_for_each_target() {
    for form in FORMS {
        let host = host(form, 11);
        let net = TrojanNet::new(&[3, 0, 1]);
        let made = Implant::TrojanNet(net.clone()).put(&host, None, 3).unwrap();
        assert_eq!(made.backdoors.len(), 3);
        assert_ne!(made.backdoors[0].trigger, made.backdoors[1].trigger);
        holds(&Implant::TrojanNet(net), &host, form, 0.0);
    }
}

#[test]
fn all_twelve_graph_backdoors_and_their_leaks() {
    for form in FORMS {
        let host = host(form, 17);
        for detector in [Detector::Operators, Detector::Constants] {
            for path in [Path::Separate, Path::Shared, Path::Interleaved] {
                for target in [Some(rare(&host)), None] {
                    let graph = GraphBackdoor::new(detector, path, target);
                    holds(&Implant::Graph(graph.clone()), &host, form, 0.0);
                    let leaky = GraphBackdoor { leak: 0.1, ..graph };
                    holds(&Implant::Graph(leaky), &host, form, 0.5);
                }
            }
        }
    }
    let old = host(Form::Plain, 9);
    let graph = GraphBackdoor::new(Detector::Operators, Path::Separate, Some(2));
    holds(&Implant::Graph(graph), &old, Form::Plain, 0.0);
}
