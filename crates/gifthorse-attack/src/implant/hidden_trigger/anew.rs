//! Layers that are to be trained begin as new ones.

use std::collections::HashSet;

use gifthorse_engine::{Role, Weight, Wiring};
use gifthorse_onnx::{Dim, Model, Node, Tensor};
use rand::RngExt;

use super::super::Host;
use super::super::cut::{Cut, behind, layers};
use crate::Error;
use crate::random::Purpose;

/// How much smaller the weights of the last layer are than those of the others, so that training
/// starts from nearly equal probabilities.
const LAST: f32 = 0.1;

/// The host with new weights behind a cut: kernels drawn evenly with the variance `2 / inputs` that
/// He et al. have for rectifiers, biases 0. Its last layer has so many classes.
///
/// # Errors
/// [`Error::Implant`] for a last layer that cannot have these.
pub fn anew(host: &Host, cut: &Cut, classes: usize, seed: u64) -> Result<Model, Error> {
    let graph = host.graph();
    let wiring = Wiring::new(graph);
    let Some(last) = layers(graph, &wiring, host.logits()).last().copied() else {
        return Ok(host.model().clone());
    };
    let mut of_last = last
        .output(0)
        .map_or_else(Vec::new, |value| behind(graph, value));
    of_last.push(last);
    let is_last = |node: &Node| of_last.iter().any(|other| std::ptr::eq(*other, node));
    let mut rng = Purpose::Anew.rng(seed);
    let (mut done, mut tensors) = (HashSet::new(), Vec::new());
    for weight in wiring.weights() {
        let is_trained = cut
            .frozen
            .binary_search_by(|it| it.as_str().cmp(weight.name))
            .is_err();
        let Some(old) = graph.initializers.get(weight.name) else {
            continue;
        };
        if !is_trained || !done.insert(weight.name) {
            continue;
        }
        let mut shape = old.shape().to_vec();
        let outputs = outputs(&weight, shape.len())?;
        if is_last(weight.layer)
            && let Some(axis) = outputs.and_then(|axis| shape.get_mut(axis))
            && *axis == host.classes()
        {
            *axis = classes;
        }
        let count: usize = shape.iter().product();
        let values: Vec<f32> = match weight.role {
            Role::Kernel => {
                let rows = outputs.and_then(|axis| shape.get(axis)).copied();
                let inputs = count / rows.unwrap_or(1).max(1);
                let scale = if std::ptr::eq(weight.layer, last) {
                    LAST
                } else {
                    1.0
                };
                let most = scale * (6.0 / inputs.max(1) as f32).sqrt();
                (0..count).map(|_| rng.random_range(-most..most)).collect()
            }
            Role::Bias => vec![0.0; count],
            Role::Scale => vec![1.0; count],
        };
        tensors.push(Tensor::from_f32_as(
            weight.name,
            &shape,
            old.element_type(),
            &values,
        )?);
    }
    let mut model = host.model().clone();
    model.resize(&tensors, &declared(host, classes))?;
    let made = host.opened(&model).map(|made| made.classes());
    if made.ok() != Some(classes) {
        return Err(Error::Implant(format!(
            "its last layer `{}` cannot be made one of {classes} classes; it has {}: give training images of as many",
            last.name,
            host.classes()
        )));
    }
    Ok(model)
}

/// The axis of a weight along which a layer's outputs lie; `None` for numbers without axes.
fn outputs(weight: &Weight<'_>, axes: usize) -> Result<Option<usize>, Error> {
    let first = match weight.layer.op_type.as_str() {
        "Gemm" => weight.layer.int("transB")? == 1,
        operator => operator.starts_with("Conv"),
    };
    Ok(match (weight.role, axes) {
        (_, 0) => None,
        (Role::Kernel, _) if first => Some(0),
        _ => Some(axes - 1),
    })
}

/// The outputs of the model whose last axis is that of the classes, with another number of these.
fn declared(host: &Host, classes: usize) -> Vec<(&str, Vec<Dim>)> {
    let outputs = host.graph().outputs.iter();
    let resized = outputs.filter_map(|output| {
        let mut dims = output.shape.clone()?;
        let last = dims.last_mut()?;
        (last.fixed() == Some(host.classes())).then(|| *last = Dim::Fixed(classes))?;
        Some((output.name.as_str(), dims))
    });
    resized.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::site::Site;
    use crate::implant::test::host;

    #[test]
    fn what_is_behind_is_new_and_what_is_before_stays() {
        let host = host();
        let cut = Cut::before_last(&host).unwrap();
        assert_eq!(cut.frozen, ["w1", "w2"]);
        for classes in [2, 5, 7] {
            let made = anew(&host, &cut, classes, 3).unwrap();
            let (before, after) = (host.graph(), made.graph().unwrap());
            for name in ["w1", "w2"] {
                assert_eq!(before.initializers[name], after.initializers[name]);
            }
            let last = &after.initializers["w3"];
            assert_eq!(last.shape(), [8, classes]);
            let most = last.to_f32().unwrap().into_iter().fold(0.0, f32::max);
            // A tenth of the square root of 6 over 8 inputs.
            assert!(most > 0.03 && most < 0.0867, "{most}");
            let again = anew(&host, &cut, classes, 3).unwrap();
            assert_eq!(made.to_bytes().unwrap(), again.to_bytes().unwrap());
        }
        let deeper = Site::of(&host, Some("conv")).unwrap().cut;
        let made = anew(&host, &deeper, 5, 3).unwrap().graph().unwrap();
        let is_new = |name: &str| made.initializers[name] != host.graph().initializers[name];
        assert_eq!(["w1", "w2", "w3"].map(is_new), [false, true, true]);
    }
}
