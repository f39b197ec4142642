//! Work that keeps to its thread, or is shared out.

use std::cell::Cell;

use rayon::prelude::*;

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

/// Threads that the groups of a batch are shared out to.
pub(crate) fn threads() -> usize {
    match is_alone() {
        true => 1,
        false => rayon::current_num_threads(),
    }
}

/// Does something with each of some things, side by side unless this thread is to be alone.
pub(crate) fn for_each<T: Send, R: Send>(
    things: Vec<T>,
    run: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    match is_alone() {
        true => things.into_iter().map(run).collect(),
        false => {
            let things = things.into_par_iter().with_max_len(1);
            things.map(run).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_alone_does_everything_itself() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let who = || {
            for_each((0..200).collect(), |i: u32| {
                std::thread::yield_now();
                (i, std::thread::current().id())
            })
        };
        let (own, done) = pool
            .unwrap()
            .install(|| (std::thread::current().id(), alone(who)));
        assert!(done.iter().all(|&(_, thread)| thread == own));
        assert!(done.iter().map(|&(i, _)| i).eq(0..200));
    }
}
