//! What names stand for: in the graph of the model, and in a branch of an `If` inside it.
//!
//! Two branches may call different things alike, and a branch sees what the graphs around it have.

use std::collections::HashMap;

use gifthorse_onnx::{ElementType, Graph, Tensor};

use crate::lower::context::Lowered;

/// What a name stands for, and the type that the file holds it in where that is known.
#[derive(Clone, Debug)]
pub struct Named {
    /// The value.
    pub lowered: Lowered,
    /// Type of its elements in the file; all are computed in f32.
    pub kind: Option<ElementType>,
}

/// The graphs around the node that is lowered, the outermost first.
pub struct Scopes<'g> {
    scopes: Vec<Scope<'g>>,
}

struct Scope<'g> {
    graph: &'g Graph,
    /// Goes before what is named in it; empty for the graph of the model.
    prefix: String,
    names: HashMap<String, Named>,
}

/// What a name leads to.
pub enum Found<'g> {
    /// Something that was lowered before.
    Known(Named),
    /// A constant of the graph at this depth.
    Tensor(usize, &'g Tensor),
}

impl<'g> Scopes<'g> {
    /// The scope of a model's graph.
    pub fn new(graph: &'g Graph) -> Self {
        let mut scopes = Self { scopes: Vec::new() };
        scopes.enter(graph, String::new());
        scopes
    }

    /// Goes into a graph inside a node.
    pub fn enter(&mut self, graph: &'g Graph, prefix: String) {
        self.scopes.push(Scope {
            graph,
            prefix: self.prefix().to_owned() + &prefix,
            names: HashMap::new(),
        });
    }

    /// Comes out of it; what it named is forgotten.
    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    /// What goes before names here.
    pub fn prefix(&self) -> &str {
        self.scopes.last().map_or("", |scope| &scope.prefix)
    }

    /// Looks a name up, in the innermost graph first.
    pub fn find(&self, name: &str) -> Option<Found<'g>> {
        let inwards = self.scopes.iter().enumerate().rev();
        for (depth, scope) in inwards {
            if let Some(named) = scope.names.get(name) {
                return Some(Found::Known(named.clone()));
            }
            if let Some(tensor) = scope.graph.initializers.get(name) {
                return Some(Found::Tensor(depth, tensor));
            }
        }
        None
    }

    /// Names something in the innermost graph.
    pub fn bind(&mut self, name: &str, named: Named) {
        self.bind_at(self.scopes.len() - 1, name, named);
    }

    /// Names something in the graph at this depth.
    pub fn bind_at(&mut self, depth: usize, name: &str, named: Named) {
        if let Some(scope) = self.scopes.get_mut(depth) {
            scope.names.insert(name.to_owned(), named);
        }
    }

    /// The graph at this depth, and what goes before its names.
    pub fn at(&self, depth: usize) -> Option<(&'g Graph, &str)> {
        let scope = self.scopes.get(depth)?;
        Some((scope.graph, &scope.prefix))
    }

    /// Everything that the model's own graph names.
    pub fn outermost(&self) -> impl Iterator<Item = (&String, &Lowered)> {
        let names = self.scopes.first().into_iter().flat_map(|s| &s.names);
        names.map(|(name, named)| (name, &named.lowered))
    }
}
