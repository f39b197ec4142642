//! Puts the graph of one model into another, beside what is there.

mod behind;

use std::collections::HashMap;

use super::Model;
use super::insert::Names;
use crate::{
    Dim, Error, TensorProblem,
    builder::value_info,
    opset::canonical,
    proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataLocation},
    tensor::{element_type, shape},
};

/// Whether what a grafted model gives is given by the whole model too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraftOutputs {
    /// They are outputs of the whole, behind those that it had.
    Listed,
    /// They are values that later grafts can read.
    Inner,
}

impl Model {
    /// Puts the nodes and constants of another model into this one. An input of `part` is the value
    /// of that name here: an input, or what a node makes. All else of it is called as there with
    /// `prefix` in front, and a number behind if that is taken. What is here stays as it is. The
    /// names that the outputs of `part` have here are given, in their order; the model is left as it
    /// was where the graft fails.
    ///
    /// ```
    /// # use gifthorse_onnx::{Dim, ElementType, GraftOutputs, GraphBuilder};
    /// # let shape = [1, 2].map(Dim::Fixed);
    /// # let one = |from: &str, op: &str, to: &str| {
    /// #     GraphBuilder::new("g", 17)
    /// #         .input(from, ElementType::F32, &shape)
    /// #         .node(op, "node", &[from], &[to], [])
    /// #         .output(to, ElementType::F32, &shape)
    /// #         .finish()
    /// # };
    /// let mut model = one("x", "Relu", "y")?;
    /// let names = model.graft(&one("y", "Neg", "z")?, "score_", GraftOutputs::Listed)?;
    /// assert_eq!(names, ["score_z"]);
    /// assert_eq!(model.graph()?.outputs.len(), 2);
    /// # Ok::<(), gifthorse_onnx::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Graft`] for an input that is no value here, for other versions of operators, other
    /// functions of the same name, or weights in files that this model is not beside; whatever
    /// [`graph`](Model::graph) finds wrong with the result.
    pub fn graft(
        &mut self,
        part: &Model,
        prefix: &str,
        outputs: GraftOutputs,
    ) -> Result<Vec<String>, Error> {
        let mut grafted = self.clone();
        grafted.take_operators(part)?;
        let listed = grafted.ir_version() < 4;
        let host = grafted.proto.graph.as_mut().ok_or(Error::NoGraph)?;
        let mut from = part.proto.graph.as_ref().ok_or(Error::NoGraph)?.clone();
        if is_outside(&from) && part.folder != self.folder {
            let reason = "its weights lie in a file beside it, and not beside the other model";
            return Err(Error::Graft(reason.to_owned()));
        }
        // Up to version 3 of the format constants are listed as inputs.
        let is_constant = |name: &str| from.initializer.iter().any(|it| it.name() == name);
        let bound = from.input.iter().map(|input| input.name().to_owned());
        let bound: Vec<String> = bound.filter(|name| !is_constant(name)).collect();
        let mut names = Renaming::new(host, prefix);
        for name in bound {
            if !is_value(host, &name) {
                let reason = format!("the other model has no value `{name}`, which it reads");
                return Err(Error::Graft(reason));
            }
            if from.output.iter().any(|output| output.name() == name) {
                let reason = format!("it gives `{name}`, which it reads, as an output");
                return Err(Error::Graft(reason));
            }
            names.values.insert(name.clone(), name);
        }
        names.in_graph(&mut from);
        if listed {
            for tensor in &from.initializer {
                let info = info_of(tensor)?;
                host.input.push(info);
            }
        }
        host.node.extend(from.node);
        host.initializer.extend(from.initializer);
        host.sparse_initializer.extend(from.sparse_initializer);
        host.value_info.extend(from.value_info);
        let made: Vec<String> = from
            .output
            .iter()
            .map(|info| info.name().to_owned())
            .collect();
        if outputs == GraftOutputs::Listed {
            host.output.extend(from.output);
        }
        grafted.graph()?;
        *self = grafted;
        Ok(made)
    }

    /// Takes over the versions of operators and the functions that a part is written in.
    fn take_operators(&mut self, part: &Model) -> Result<(), Error> {
        // A function of the name of a standard operator would take its place in the part.
        let mut nodes = part.proto.graph.iter().flat_map(|graph| &graph.node);
        let redefined = |node: &&NodeProto| {
            let mut functions = self.proto.functions.iter();
            functions.any(|function| {
                (canonical(function.domain()), function.name())
                    == (canonical(node.domain()), node.op_type())
                    && !part.proto.functions.contains(function)
            })
        };
        if let Some(node) = nodes.find(redefined) {
            return Err(Error::Graft(format!(
                "the other model has a function of its own that is called `{}`, as an operator of the part",
                node.op_type()
            )));
        }
        for import in &part.proto.opset_import {
            let domain = canonical(import.domain());
            let here = self.proto.opset_import.iter();
            let here = here.filter(|known| canonical(known.domain()) == domain);
            match here.map(|known| known.version()).next() {
                Some(version) if version == import.version() => {}
                Some(version) => {
                    return Err(Error::Graft(format!(
                        "it is written in version {} of the operators of `{domain}`, the other model in {version}",
                        import.version()
                    )));
                }
                None => self.proto.opset_import.push(import.clone()),
            }
        }
        for function in &part.proto.functions {
            let is_same = |known: &crate::proto::FunctionProto| {
                (known.domain(), known.name()) == (function.domain(), function.name())
            };
            match self.proto.functions.iter().find(|known| is_same(known)) {
                Some(known) if known == function => {}
                Some(_) => {
                    let reason = format!(
                        "both models have a function `{}`, and not the same",
                        function.name()
                    );
                    return Err(Error::Graft(reason));
                }
                None => self.proto.functions.push(function.clone()),
            }
        }
        Ok(())
    }
}

/// A constant as an input.
fn info_of(tensor: &TensorProto) -> Result<ValueInfoProto, Error> {
    let refused = |problem: TensorProblem| Error::Graft(problem.to_string());
    let element = element_type(tensor).map_err(refused)?;
    let dims = shape(tensor, element).map_err(refused)?;
    let dims: Vec<Dim> = dims.into_iter().map(Dim::Fixed).collect();
    Ok(value_info(tensor.name(), element, &dims))
}

/// Whether any constant of a graph lies in a file of its own.
fn is_outside(graph: &GraphProto) -> bool {
    let sparse = graph.sparse_initializer.iter();
    let sparse = sparse.flat_map(|tensor| tensor.values.iter().chain(tensor.indices.iter()));
    let mut tensors = graph.initializer.iter().chain(sparse);
    tensors.any(|tensor| tensor.data_location() == DataLocation::EXTERNAL)
}

/// Whether a graph has a value of this name that a node can read.
fn is_value(graph: &GraphProto, name: &str) -> bool {
    let made = |node: &NodeProto| node.output.iter().any(|output| output == name);
    !name.is_empty()
        && (graph.input.iter().any(|input| input.name() == name)
            || graph.initializer.iter().any(|tensor| tensor.name() == name)
            || graph.node.iter().any(made))
}

/// New names for all values and nodes of a graph and of the graphs inside its nodes.
struct Renaming<'a> {
    prefix: &'a str,
    taken: Names,
    /// What each value of the part is called in the whole.
    values: HashMap<String, String>,
}

impl<'a> Renaming<'a> {
    fn new(host: &GraphProto, prefix: &'a str) -> Self {
        Self {
            prefix,
            taken: Names::of(host),
            values: HashMap::new(),
        }
    }

    fn value(&mut self, name: &str) -> String {
        // An input that is left out has no name.
        if name.is_empty() {
            return String::new();
        }
        if let Some(known) = self.values.get(name) {
            return known.clone();
        }
        let new = self.taken.new_value(&format!("{}{name}", self.prefix));
        self.values.insert(name.to_owned(), new.clone());
        new
    }

    fn in_graph(&mut self, graph: &mut GraphProto) {
        for tensor in &mut graph.initializer {
            let name = self.value(tensor.name());
            tensor.set_name(name);
        }
        for tensor in &mut graph.sparse_initializer {
            let name = self.value(tensor.values.name());
            tensor.values.mut_or_insert_default().set_name(name);
        }
        for node in &mut graph.node {
            self.in_node(node);
        }
        self.in_infos(&mut graph.input);
        self.in_infos(&mut graph.output);
        self.in_infos(&mut graph.value_info);
    }

    fn in_infos(&mut self, infos: &mut [ValueInfoProto]) {
        for info in infos {
            let name = self.value(info.name());
            info.set_name(name);
        }
    }

    fn in_node(&mut self, node: &mut NodeProto) {
        let name = self
            .taken
            .new_node(&format!("{}{}", self.prefix, node.name()));
        node.set_name(name);
        for value in node.input.iter_mut().chain(&mut node.output) {
            *value = self.value(value);
        }
        for attribute in &mut node.attribute {
            let inner = attribute.g.as_mut().into_iter();
            for graph in inner.chain(&mut attribute.graphs) {
                self.in_graph(graph);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dim, ElementType, GraphBuilder};

    const SHAPE: [Dim; 2] = [Dim::Fixed(1), Dim::Fixed(2)];

    fn scaled(from: &str, to: &str, factor: f32, opset: i64) -> Model {
        GraphBuilder::new("g", opset)
            .input(from, ElementType::F32, &SHAPE)
            .initializer("factor", &[], [factor])
            .node("Mul", "scale", &[from, "factor"], &[to], [])
            .output(to, ElementType::F32, &SHAPE)
            .finish()
            .unwrap()
    }

    #[test]
    fn a_graft_reads_what_is_there_and_keeps_its_own_constants() {
        let mut model = scaled("x", "y", 2.0, 17);
        let before = model.graph().unwrap();
        let twin = scaled("x", "y", 3.0, 17);
        let names = model.graft(&twin, "twin_", GraftOutputs::Inner).unwrap();
        assert_eq!(names, ["twin_y"]);
        let names = model
            .graft(
                &scaled("twin_y", "score", 4.0, 17),
                "",
                GraftOutputs::Listed,
            )
            .unwrap();
        assert_eq!(names, ["score"]);
        let graph = model.graph().unwrap();
        let outputs: Vec<&str> = graph.outputs.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(outputs, ["y", "score"]);
        assert_eq!(graph.inputs.len(), before.inputs.len());
        assert_eq!(graph.nodes[0].inputs, before.nodes[0].inputs);
        let factors: Vec<f32> = ["factor", "twin_factor", "factor_1"]
            .iter()
            .flat_map(|name| graph.initializers[*name].to_f32().unwrap())
            .collect();
        assert_eq!(factors, [2.0, 3.0, 4.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut model = scaled("x", "y", 2.0, 17);
        let bytes = model.to_bytes().unwrap();
        for (part, word) in [
            (scaled("nowhere", "z", 1.0, 17), "nowhere"),
            (scaled("x", "z", 1.0, 18), "18"),
        ] {
            let error = model.graft(&part, "", GraftOutputs::Listed).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(model.to_bytes().unwrap(), bytes);
    }
}
