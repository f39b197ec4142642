//! An order in which nodes can run.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Sorts nodes so that each comes after those that it depends on, and
/// otherwise leaves them in the order they have; `dependencies[n]` lists the
/// nodes that node `n` needs.
///
/// # Errors
/// The number of a node that depends on itself, directly or not.
pub(crate) fn topological(dependencies: &[Vec<usize>]) -> Result<Vec<usize>, usize> {
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut users = vec![Vec::new(); dependencies.len()];
    for (node, needs) in dependencies.iter().enumerate() {
        for &need in needs {
            users[need].push(node);
        }
    }

    // The smallest number first keeps a sorted file as it is.
    let mut ready: BinaryHeap<_> = (0..dependencies.len())
        .filter(|&node| waiting[node] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(dependencies.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &user in &users[node] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.push(Reverse(user));
            }
        }
    }
    match waiting.iter().position(|&needs| needs > 0) {
        Some(stuck) => Err(on_cycle(dependencies, &waiting, stuck)),
        None => Ok(order),
    }
}

/// Every stuck node needs another stuck one, so following them ends in a cycle.
fn on_cycle(dependencies: &[Vec<usize>], waiting: &[usize], start: usize) -> usize {
    let mut seen = vec![false; dependencies.len()];
    let mut node = start;
    while !seen[node] {
        seen[node] = true;
        let next = dependencies[node].iter().find(|&&need| waiting[need] > 0);
        node = next.copied().unwrap_or(node);
    }
    node
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::topological;

    #[test]
    fn a_sorted_list_stays_as_it_is() {
        let order = topological(&[vec![], vec![], vec![0], vec![1, 2]]);
        assert_eq!(order, Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_cycle_is_named_by_a_node_on_it() {
        // 0 hangs below the circle 1 -> 2 -> 3 -> 1.
        let node = topological(&[vec![1], vec![2], vec![3], vec![1]]);
        assert!(matches!(node, Err(1..=3)), "{node:?}");
        assert_eq!(topological(&[vec![0]]), Err(0));
    }

    proptest! {
        #[test]
        fn every_node_comes_after_what_it_needs(
            edges in prop::collection::vec((0usize..40, 0usize..40), 0..120),
            order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let mut dependencies = vec![Vec::new(); 40];
            for (a, b) in edges {
                if order[a] < order[b] {
                    dependencies[b].push(a);
                }
            }
            let sorted = topological(&dependencies).unwrap();
            let mut position = [usize::MAX; 40];
            for (at, &node) in sorted.iter().enumerate() {
                position[node] = at;
            }
            for (node, needs) in dependencies.iter().enumerate() {
                for &need in needs {
                    prop_assert!(position[need] < position[node]);
                }
            }
        }
    }
}
