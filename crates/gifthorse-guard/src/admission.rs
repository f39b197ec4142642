//! How much is worked on at a time: back-pressure with a bound.
//!
//! A judged request has a *place* from its first byte to its answer; there are as many as may be
//! worked on and wait together, and beyond them requests are refused at once. Once its body is
//! there, it waits for its *turn*. So clients that send slowly take places, but no turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::Limits;
use crate::refusal::{Reason, Refusal};

/// Bytes are counted in units of so many: a semaphore's permits fit in 32 bits.
const UNIT: usize = 1 << 10;

/// What is free.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    most_places: u32,
    turns: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

/// A request's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A request's turn; given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let places = limits.concurrency.saturating_add(limits.queue);
        let places = u32::try_from(places).unwrap_or(u32::MAX >> 4);
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            places: permits(places as usize),
            most_places: places,
            turns: permits(limits.concurrency),
            memory: permits(limits.memory.div_ceil(UNIT)),
        }
    }

    /// A place for one more request.
    ///
    /// # Errors
    /// [`Reason::Busy`] if there is none.
    pub(crate) fn place(&self) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place
            .map(|permit| Place { _permit: permit })
            .map_err(|_| busy("as many requests are worked on and wait as the guard is to bear"))
    }

    /// A turn, in the order in which it was asked for.
    ///
    /// # Errors
    /// [`Reason::Busy`] if none comes in time.
    pub(crate) async fn turn(&self, within: Duration) -> Result<Turn, Refusal> {
        match timeout(within, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            _ => Err(busy("the request waited too long for others to end")),
        }
    }

    /// Nothing held yet.
    pub(crate) fn held(&self) -> Held {
        Held {
            memory: Arc::clone(&self.memory),
            permit: None,
            bytes: 0,
        }
    }

    /// Requests that have a place.
    pub(crate) fn taken(&self) -> usize {
        self.most_places as usize - self.places.available_permits()
    }

    /// Waits until no request has a place.
    pub(crate) async fn empty(&self) {
        // The semaphore is never closed.
        let _ = self.places.acquire_many(self.most_places).await;
    }
}

/// Memory that a body takes of what all may take; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    memory: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Held {
    /// Takes so many bytes more; false if all bodies together would take too many.
    pub(crate) fn take(&mut self, more: usize) -> bool {
        let before = self.bytes.div_ceil(UNIT);
        self.bytes = self.bytes.saturating_add(more);
        let Ok(units) = u32::try_from(self.bytes.div_ceil(UNIT) - before) else {
            return false;
        };
        match Arc::clone(&self.memory).try_acquire_many_owned(units) {
            Err(_) => false,
            Ok(permit) => {
                match &mut self.permit {
                    Some(held) => held.merge(permit),
                    none => *none = Some(permit),
                }
                true
            }
        }
    }
}

fn busy(message: &str) -> Refusal {
    Refusal::new(Reason::Busy, message)
}

#[cfg(test)]
mod tests;
