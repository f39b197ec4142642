//! Runs the judge beside the threads that serve, within a bound of calls and of time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Where judging is done.
#[derive(Debug)]
pub(crate) struct Scorer {
    calls: Arc<Semaphore>,
    within: Duration,
}

impl Scorer {
    pub(crate) fn new(calls: usize, within: Duration) -> Self {
        let calls = calls.min(Semaphore::MAX_PERMITS);
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            within,
        }
    }

    /// Does the work, or says why not. Work that takes too long goes on, and its call counts among
    /// those at a time until it ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let calls = Arc::clone(&self.calls);
        let working = async move {
            let Ok(permit) = calls.acquire_owned().await else {
                return Err("the guard is stopping".to_owned());
            };
            let done = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                work()
            });
            // It panicked; the panic was printed by its thread.
            done.await
                .unwrap_or_else(|_| Err("the judge failed".to_owned()))
        };
        timeout(self.within, working)
            .await
            .unwrap_or_else(|_| Err("the judge took too long".to_owned()))
    }
}
