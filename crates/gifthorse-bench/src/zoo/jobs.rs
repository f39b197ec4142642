//! Several pieces of work at a time, each with its share of the threads.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Error;
use gifthorse::available_memory;

/// Another piece of work is begun beside others only while so much memory is free.
const RESERVE: usize = 3 << 30;

/// Does `work` on every item in turn, `jobs` at a time; unless given, as many as there are threads,
/// if there are as many items.
///
/// Each job has a pool of its own, so that what runs inside shares out its work among the job's
/// threads alone. One job runs on the current pool.
///
/// # Errors
/// [`Error::Threads`], and the first error of `work`, after which nothing more is begun.
pub fn side_by_side<T: Send>(
    items: Vec<T>,
    jobs: Option<usize>,
    work: impl Fn(T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let threads = rayon::current_num_threads();
    let jobs = jobs.unwrap_or(if items.len() >= threads { threads } else { 1 });
    if jobs <= 1 {
        return items.into_iter().try_for_each(work);
    }
    let share = (threads / jobs).max(1);
    let pools = (0..jobs).map(|_| rayon::ThreadPoolBuilder::new().num_threads(share).build());
    let pools: Vec<rayon::ThreadPool> = pools.collect::<Result<_, _>>()?;
    let queue = Queue {
        items: Mutex::new(items.into()),
        running: Mutex::new(0),
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = pools
            .iter()
            .map(|pool| {
                let (queue, work) = (&queue, &work);
                scope.spawn(move || {
                    while let Some(item) = queue.next() {
                        let outcome = pool.install(|| work(item));
                        queue.done();
                        if outcome.is_err() {
                            queue.clear();
                            return outcome;
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    running: Mutex<usize>,
}

impl<T> Queue<T> {
    /// The next item, once there is memory for it or nothing else runs.
    fn next(&self) -> Option<T> {
        loop {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if *running == 0 || available_memory().is_none_or(|bytes| bytes >= RESERVE) {
                let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
                let item = items.pop_front();
                *running += usize::from(item.is_some());
                return item;
            }
            drop(running);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn done(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }

    fn clear(&self) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.clear();
    }
}
