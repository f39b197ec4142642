//! Memory for the values of one group of samples, used again and again.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::lanes::{Lane, Notes};

/// Lanes on loan from an [`Arena`].
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Vec<Lane>,
    /// How many of them are lent.
    length: usize,
}

impl Buffer {
    /// Room for this many lanes with anything in it: the same memory if that is enough.
    pub(crate) fn resized(self, length: usize) -> Self {
        let memory = match self.memory.len() >= length {
            true => self.memory,
            false => vec![Lane::default(); length],
        };
        Self { memory, length }
    }
}

impl Deref for Buffer {
    type Target = [Lane];

    fn deref(&self) -> &[Lane] {
        &self.memory[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [Lane] {
        &mut self.memory[..self.length]
    }
}

/// Buffers that nothing needs at the moment.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    free: Vec<Vec<Lane>>,
}

impl Arena {
    /// A buffer of this length with anything in it: the smallest that is large enough, or a new
    /// one.
    pub(crate) fn take(&mut self, length: usize) -> Buffer {
        let best = choose(self.free.len(), |i| self.free[i].len(), length);
        let memory = match best.map(|i| self.free.swap_remove(i)) {
            Some(memory) if memory.len() >= length => memory,
            _ => vec![Lane::default(); length],
        };
        Buffer { memory, length }
    }

    /// Lanes of all buffers that are not lent.
    #[cfg(test)]
    pub(crate) fn free_lanes(&self) -> usize {
        self.free.iter().map(Vec::len).sum()
    }

    /// Takes a buffer back.
    pub(crate) fn give(&mut self, buffer: Buffer) {
        if !buffer.memory.is_empty() {
            self.free.push(buffer.memory);
        }
    }
}

/// Which of `count` free buffers is taken where `wanted` lanes are needed; `None` if there is no
/// buffer. If none is large enough, the largest makes way for a new one rather than stay for
/// nothing.
pub(crate) fn choose(
    count: usize,
    length: impl Fn(usize) -> usize,
    wanted: usize,
) -> Option<usize> {
    let fitting = (0..count).filter(|&i| length(i) >= wanted);
    let best = fitting.min_by_key(|&i| length(i));
    best.or_else(|| (0..count).max_by_key(|&i| length(i)))
}

/// What the forward pass over one group keeps for the backward pass.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    /// The largest group that it was used for.
    samples: usize,
    /// For each value, its lanes if a backward pass reads them. The memory stays with the tape: an
    /// arena that took it back would not be the one that the next forward pass takes it from, if
    /// threads took turns, and would grow.
    pub(crate) values: Vec<Buffer>,
    /// For each stage, the bits of its clamp.
    pub(crate) passes: Vec<Vec<u16>>,
    /// For each stage, its kernel's notes.
    pub(crate) notes: Vec<Vec<Notes>>,
}

impl Tape {
    /// Lanes of all values.
    #[cfg(test)]
    pub(crate) fn lanes(&self) -> usize {
        self.values.iter().map(|value| value.memory.len()).sum()
    }
}

impl Pool<Tape> {
    /// A tape for `samples` samples: the smallest that is large enough. If none is, the largest
    /// gives up its memory, all at once and before it takes more: freed piece by piece, with larger
    /// pieces taken in between, most of it would lie idle.
    pub(crate) fn take_for(&self, samples: usize) -> Tape {
        let mut tapes = self.lock();
        let best = choose(tapes.len(), |i| tapes[i].samples, samples);
        let tape = best.map(|i| tapes.swap_remove(i)).unwrap_or_default();
        drop(tapes);
        match tape.samples >= samples {
            true => tape,
            false => Tape {
                samples,
                ..Tape::default()
            },
        }
    }
}

/// Things that are made anew where all that there are, are in use.
#[derive(Debug)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Pool<T> {
    pub(crate) fn take(&self) -> T {
        self.lock().pop().unwrap_or_default()
    }

    pub(crate) fn give(&self, thing: T) {
        self.lock().push(thing);
    }

    /// Something of each that is not in use.
    #[cfg(test)]
    pub(crate) fn all<R>(&self, of: impl Fn(&T) -> R) -> Vec<R> {
        self.lock().iter().map(of).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
