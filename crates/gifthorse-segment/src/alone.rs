//! Work that keeps to its thread.

use std::cell::Cell;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` with all plans that it runs on this thread alone, in groups as large as can be.
///
/// For callers who keep the threads busy themselves, with several such pieces of work side by side.
/// If a plan shared its groups out as well, a thread that waits for one of them would take up
/// another of those pieces in the meantime, and the first could not go on before that is done.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _restore = Restore(ALONE.replace(true));
    work()
}

/// Whether this thread is within [`alone`].
pub fn is_alone() -> bool {
    ALONE.get()
}
