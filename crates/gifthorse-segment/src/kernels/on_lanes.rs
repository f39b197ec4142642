//! A kernel's two passes as tasks for an instruction set.

use crate::kernels::contract::{Backward, Forward};
use crate::lanes::{Isa, Lanes, Task};

/// A kernel whose passes are written over [`Lanes`]; both are `#[inline(always)]`.
pub(crate) trait OnLanes {
    /// [`crate::kernels::contract::Kernel::forward`]
    fn forward_on<L: Lanes>(&self, lanes: L, run: Forward<'_>);

    /// [`crate::kernels::contract::Kernel::backward`]
    fn backward_on<L: Lanes>(&self, lanes: L, run: Backward<'_>);
}

struct Pass<'k, K, R> {
    kernel: &'k K,
    run: R,
}

impl<K: OnLanes> Task for Pass<'_, K, Forward<'_>> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.kernel.forward_on(lanes, self.run);
    }
}

impl<K: OnLanes> Task for Pass<'_, K, Backward<'_>> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.kernel.backward_on(lanes, self.run);
    }
}

/// Runs a kernel's forward pass with an instruction set.
pub(crate) fn forward<K: OnLanes>(isa: Isa, kernel: &K, run: Forward<'_>) {
    isa.run(Pass { kernel, run });
}

/// Runs a kernel's backward pass with an instruction set.
pub(crate) fn backward<K: OnLanes>(isa: Isa, kernel: &K, run: Backward<'_>) {
    isa.run(Pass { kernel, run });
}
