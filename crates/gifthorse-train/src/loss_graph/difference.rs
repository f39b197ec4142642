//! How the losses of one step differ from those of another.

use std::fmt::{self, Display, Formatter};

use gifthorse_engine::Operation;

use super::{LossGraphs, StepGraph, Term};

/// Characters of a network's digest that a reader is shown.
const SHOWN: usize = 12;

/// The losses of two steps, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Those that both have, and those that one has.
    pub losses: Vec<Beside>,
}

/// A loss of one step beside the one of the other that is most like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// That of the trusted step; absent if it has none left to stand here.
    pub trusted: Option<Term>,
    /// That of the step which is looked at.
    pub found: Option<Term>,
}

impl Beside {
    /// Whether both have it, as often.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.trusted == self.found
    }

    /// How many operations are the same from the images on.
    #[must_use]
    pub fn shared(&self) -> usize {
        match (&self.trusted, &self.found) {
            (Some(trusted), Some(found)) => shared(trusted, found),
            _ => 0,
        }
    }
}

impl Difference {
    /// Of two steps.
    #[must_use]
    pub fn between(trusted: &StepGraph, found: &StepGraph) -> Self {
        let mut rest: Vec<&Term> = found.terms().iter().collect();
        let mut losses = Vec::new();
        let mut others = Vec::new();
        for term in trusted.terms() {
            match rest.iter().position(|it| it.operations == term.operations) {
                Some(place) => losses.push(Beside {
                    trusted: Some(term.clone()),
                    found: Some(rest.remove(place).clone()),
                }),
                None => others.push(term),
            }
        }
        for term in others {
            let likeness = |place: &usize| shared(term, rest[*place]);
            let nearest = (0..rest.len()).max_by_key(likeness);
            losses.push(Beside {
                trusted: Some(term.clone()),
                found: nearest.map(|place| rest.remove(place).clone()),
            });
        }
        losses.extend(rest.into_iter().map(|term| Beside {
            trusted: None,
            found: Some(term.clone()),
        }));
        Self { losses }
    }

    /// From the trusted graph that is most like it.
    #[must_use]
    pub fn from_nearest(trusted: &LossGraphs, found: &StepGraph) -> Self {
        let graphs = trusted.graphs.iter();
        let differences = graphs.map(|seen| Self::between(&seen.losses, found));
        let unlike = |it: &Self| it.losses.iter().filter(|beside| !beside.is_same()).count();
        let nearest = differences.min_by_key(unlike);
        nearest.unwrap_or_else(|| Self::between(&StepGraph::default(), found))
    }
}

/// Operations from the images on that two losses share.
fn shared(a: &Term, b: &Term) -> usize {
    let pairs = a.operations.iter().zip(&b.operations);
    pairs.take_while(|(a, b)| a == b).count()
}

impl Display for Difference {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut unlike = self.losses.iter().filter(|beside| !beside.is_same());
        let Some(first) = unlike.next() else {
            return write!(out, "nothing");
        };
        write(out, first)?;
        for beside in unlike {
            write!(out, "; ")?;
            write(out, beside)?;
        }
        Ok(())
    }
}

fn write(out: &mut Formatter<'_>, beside: &Beside) -> fmt::Result {
    let (trusted, found) = match (&beside.trusted, &beside.found) {
        (Some(trusted), Some(found)) => (trusted, found),
        (None, Some(found)) => {
            return write!(out, "one more loss, of {}", chain(&found.operations));
        }
        (Some(trusted), None) => {
            return write!(out, "one loss less, of {}", chain(&trusted.operations));
        }
        (None, None) => return Ok(()),
    };
    write!(out, "a loss")?;
    if trusted.times != found.times {
        let (trusted, found) = (trusted.times, found.times);
        write!(out, ", {found} times in place of {trusted}")?;
    }
    let from = beside.shared();
    match (&trusted.operations[from..], &found.operations[from..]) {
        ([], []) => Ok(()),
        ([], more) => write!(out, ", that goes on with {}", chain(more)),
        (less, []) => write!(out, ", that ends before {}", chain(less)),
        (less, more) => write!(
            out,
            ", that has {} in place of {}",
            chain(more),
            chain(less)
        ),
    }
}

/// Operations in words.
fn chain(operations: &[Operation]) -> String {
    let names: Vec<String> = operations.iter().map(named).collect();
    names.join(", ")
}

/// An operation with its shape, its network's digest cut short.
fn named(operation: &Operation) -> String {
    let name = match operation.operation.strip_prefix("network ") {
        Some(named) => {
            let (digest, layer) = named.split_at(named.find(' ').unwrap_or(named.len()));
            let short: String = digest.chars().take(SHOWN).collect();
            format!("network {short}{layer}")
        }
        None => operation.operation.clone(),
    };
    match operation.shape.is_empty() {
        true => name,
        false => format!("{name} {:?}", operation.shape),
    }
}
