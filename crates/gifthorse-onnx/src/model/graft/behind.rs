//! Puts the graph of one model between a value of another and all that reads that value.

use std::collections::HashMap;

use crate::{
    Error, GraftOutputs, InsertProblem, Model,
    model::insert::{Names, redirect},
    proto::{GraphProto, NodeProto},
    sort,
};

impl Model {
    /// Puts the nodes and constants of another model into this one, as [`graft`](Model::graft)
    /// does, and has all readers of a value read what `part` makes of it: nodes, graphs inside
    /// nodes, and the model's output if the value is one, which keeps its name. `part` has one
    /// output, and may read any values that do not depend on its own. Nodes are then in an order in
    /// which they can run. The name that the output of `part` has here is given; the model is left
    /// as it was where that fails.
    ///
    /// ```
    /// # use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
    /// # let shape = [1, 2].map(Dim::Fixed);
    /// # let one = |from: &str, op: &str, to: &str| {
    /// #     GraphBuilder::new("g", 17)
    /// #         .input(from, ElementType::F32, &shape)
    /// #         .node(op, "node", &[from], &[to], [])
    /// #         .output(to, ElementType::F32, &shape)
    /// #         .finish()
    /// # };
    /// let mut model = one("x", "Relu", "y")?;
    /// assert_eq!(model.graft_behind("y", &one("y", "Neg", "z")?, "more_")?, "y");
    /// assert_eq!(model.graft_behind("x", &one("x", "Abs", "z")?, "less_")?, "less_z");
    /// let nodes = model.graph()?.nodes;
    /// let operators: Vec<&str> = nodes.iter().map(|node| node.op_type.as_str()).collect();
    /// assert_eq!(operators, ["Abs", "Relu", "Neg"]);
    /// # Ok::<(), gifthorse_onnx::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`graft`](Model::graft); [`Error::Graft`] unless `part` has one output;
    /// [`Error::Insert`] for a value that nothing reads, or that is an input and an output at once.
    pub fn graft_behind(
        &mut self,
        value: &str,
        part: &Model,
        prefix: &str,
    ) -> Result<String, Error> {
        let mut grafted = self.clone();
        let made = grafted.graft(part, prefix, GraftOutputs::Inner)?;
        let [made] = &made[..] else {
            let reason = format!("it has {} outputs, and one is to be read", made.len());
            return Err(Error::Graft(reason));
        };
        let graph = grafted.proto.graph.as_mut().ok_or(Error::NoGraph)?;
        let own = part.proto.graph.as_ref().map_or(0, |part| part.node.len());
        let before = graph.node.len() - own;
        let name = divert(graph, before, value, made).map_err(|problem| Error::Insert {
            value: value.to_owned(),
            problem,
        })?;
        in_order(graph)?;
        grafted.graph()?;
        *self = grafted;
        Ok(name)
    }
}

/// Has all but the nodes from `before` on, which were grafted, read `made` in place of `value`.
fn divert(
    graph: &mut GraphProto,
    before: usize,
    value: &str,
    made: &str,
) -> Result<String, InsertProblem> {
    if !graph.output.iter().any(|output| output.name() == value) {
        let (others, _) = graph.node.split_at_mut(before);
        return match redirect(others, value, made) {
            0 => Err(InsertProblem::NoReader),
            _ => Ok(made.to_owned()),
        };
    }
    // The output keeps its name, and so do its other readers: what was there has a new one.
    let fresh = Names::of(graph).new_value(&format!("{value}_before"));
    let (others, own) = graph.node.split_at_mut(before);
    let mut made_here = others.iter_mut().flat_map(|node| &mut node.output);
    let output = made_here.find(|output| *output == value);
    output
        .ok_or(InsertProblem::PassesThrough)?
        .clone_from(&fresh);
    redirect(own, value, &fresh);
    redirect(own, made, value);
    for output in own.iter_mut().flat_map(|node| &mut node.output) {
        if output == made {
            value.clone_into(output);
        }
    }
    Ok(value.to_owned())
}

/// Sorts the nodes of a graph.
fn in_order(graph: &mut GraphProto) -> Result<(), Error> {
    let mut makers: HashMap<String, usize> = HashMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        makers.extend(node.output.iter().map(|output| (output.clone(), at)));
    }
    makers.remove("");
    let needs: Vec<Vec<usize>> = (graph.node.iter())
        .map(|node| {
            let mut read = Vec::new();
            reads(node, &mut read);
            let needed = read.iter().filter_map(|name| makers.get(*name).copied());
            needed.collect()
        })
        .collect();
    let order = sort::topological(&needs).map_err(|at| Error::Cycle {
        node: graph.node[at].name().to_owned(),
        op_type: graph.node[at].op_type().to_owned(),
    })?;
    let mut nodes: Vec<Option<NodeProto>> = graph.node.drain(..).map(Some).collect();
    let sorted = order.into_iter().filter_map(|at| nodes[at].take());
    graph.node = sorted.collect();
    Ok(())
}

/// All names that a node and the graphs inside it read. What such a graph makes itself is among
/// them, which at worst keeps two nodes in an order that they need not have.
fn reads<'n>(node: &'n NodeProto, names: &mut Vec<&'n str>) {
    names.extend(node.input.iter().map(String::as_str));
    for attribute in &node.attribute {
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            graph.node.iter().for_each(|node| reads(node, names));
            names.extend(graph.output.iter().map(|output| output.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dim, ElementType, Error, GraphBuilder, Model};

    const SHAPE: [Dim; 2] = [Dim::Fixed(1), Dim::Fixed(2)];

    /// `x -> Relu -> r -> Neg -> y`, of which both `r` and `y` are outputs if so asked.
    fn host(both: bool) -> Model {
        let mut graph = GraphBuilder::new("g", 17);
        graph
            .input("x", ElementType::F32, &SHAPE)
            .node("Relu", "relu", &["x"], &["r"], [])
            .node("Neg", "neg", &["r"], &["y"], [])
            .output("y", ElementType::F32, &SHAPE);
        if both {
            graph.output("r", ElementType::F32, &SHAPE);
        }
        graph.finish().unwrap()
    }

    /// The sum of two values.
    fn sum(first: &str, second: &str) -> Model {
        GraphBuilder::new("g", 17)
            .input(first, ElementType::F32, &SHAPE)
            .input(second, ElementType::F32, &SHAPE)
            .node("Add", "sum", &[first, second], &["s"], [])
            .output("s", ElementType::F32, &SHAPE)
            .finish()
            .unwrap()
    }

    fn steps(model: &Model) -> Vec<String> {
        let nodes = model.proto().graph.node.iter();
        let told = nodes.map(|node| {
            let (operator, read) = (node.op_type(), node.input.join("+"));
            format!("{operator}:{read}>{}", node.output[0])
        });
        told.collect()
    }

    #[test]
    fn readers_read_what_the_part_makes_and_the_file_is_in_order() {
        let part = sum("x", "r");
        let mut model = host(false);
        assert_eq!(model.graft_behind("r", &part, "p_").unwrap(), "p_s");
        assert_eq!(steps(&model), ["Relu:x>r", "Add:x+r>p_s", "Neg:p_s>y"]);
        let mut model = host(true);
        assert_eq!(model.graft_behind("r", &part, "p_").unwrap(), "r");
        let wanted = ["Relu:x>r_before", "Add:x+r_before>r", "Neg:r>y"];
        assert_eq!(steps(&model), wanted);
        assert_eq!(model.graph().unwrap().outputs.len(), 2);
    }

    #[test]
    fn what_cannot_be_put_between_changes_nothing() {
        let mut model = host(false);
        let bytes = model.to_bytes().unwrap();
        let cycle = model.graft_behind("x", &sum("x", "r"), "p_").unwrap_err();
        assert!(matches!(cycle, Error::Cycle { .. }), "{cycle}");
        let absent = model.graft_behind("q", &sum("x", "r"), "p_").unwrap_err();
        assert!(absent.to_string().contains("`q`"), "{absent}");
        assert_eq!(model.to_bytes().unwrap(), bytes);
    }
}
