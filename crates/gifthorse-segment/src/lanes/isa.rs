//! The instruction sets that there are, and the choice of one when the program runs.

use super::arithmetic::{Lanes, Task};
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::portable::Portable;

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isa {
    /// AVX-512 (F, BW, CD, DQ, VL).
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// What the build target always has.
    Portable(Portable),
}

impl Isa {
    /// The fastest instruction set of this machine.
    pub(crate) fn detect() -> Self {
        Self::available()
            .into_iter()
            .next()
            .unwrap_or(Self::Portable(Portable))
    }

    /// All instruction sets of this machine, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(Avx512::detect().map(Self::Avx512));
            found.extend(Avx2::detect().map(Self::Avx2));
        }
        found.push(Self::Portable(Portable));
        found
    }

    /// Runs a task with this instruction set.
    pub(crate) fn run<T: Task>(self, task: T) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.enter(task),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.enter(task),
            Self::Portable(lanes) => lanes.enter(task),
        }
    }
}
