//! A guard: its addresses, its life and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::admin;
use crate::config::Config;
use crate::connection;
use crate::error::Error;
use crate::judge::Judge;
use crate::state::State;
use crate::tls;

/// Before the next try, where the system gives no connection (too many open files).
const BREATH: Duration = Duration::from_millis(50);

/// A guard that has its addresses and is ready to [`run`](Self::run).
pub struct Guard {
    state: Arc<State>,
    listener: TcpListener,
    admin: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
    most_connections: u32,
    grace: Duration,
}

impl Guard {
    /// Reads certificates and takes the addresses. Has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// Settings that make no sense, files that cannot be used, addresses that are taken.
    pub async fn bind(config: &Config, judge: Arc<dyn Judge>) -> Result<Self, Error> {
        let state = State::new(config, judge)?;
        let tls = config.tls.as_ref().map(tls::server).transpose()?;
        let listen = async |address: SocketAddr| {
            let listener = TcpListener::bind(address).await;
            listener.map_err(|source| Error::Listen { address, source })
        };
        Ok(Self {
            state: Arc::new(state),
            listener: listen(config.listen).await?,
            admin: match config.admin {
                None => None,
                Some(address) => Some(listen(address).await?),
            },
            tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))),
            most_connections: u32::try_from(config.limits.connections).unwrap_or(u32::MAX >> 4),
            grace: config.times.grace,
        })
    }

    /// Where clients reach it.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where its metrics are, if anywhere.
    ///
    /// # Errors
    /// What the system says.
    pub fn admin_address(&self) -> io::Result<Option<SocketAddr>> {
        self.admin.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until `stop`. Then it takes no more connections, ends the requests that it has
    /// accepted, and the judging that nobody waits for, and gives up what has not ended within the
    /// time of grace. Gives the number of connections that were given up.
    pub async fn run(self, stop: impl Future<Output = ()>) -> usize {
        let Self {
            state,
            listener,
            admin,
            tls,
            most_connections,
            grace,
        } = self;
        let (stopping, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(most_connections as usize));
        let admin = admin.map(|listener| {
            let serving = admin::serve(Arc::clone(&state), listener, stopped.clone());
            tokio::spawn(serving)
        });
        let start = |stream: TcpStream, place: OwnedSemaphorePermit| {
            let (shared, tls, stopped) = (Arc::clone(&state), tls.clone(), stopped.clone());
            tokio::spawn(async move {
                shared.metrics.connection_begins();
                connection::serve(Arc::clone(&shared), stream, tls, stopped).await;
                shared.metrics.connection_ends();
                drop(place);
            });
        };
        let accepting = async {
            // The semaphore is never closed.
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => start(stream, place),
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        sleep(BREATH).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stop => {}
        }
        tracing::info!("stopping");
        let ending = async {
            // Those that the system has accepted already are served too.
            while let Ok(place) = Arc::clone(&places).try_acquire_owned()
                && let Ok(Ok((stream, _))) = timeout(Duration::ZERO, listener.accept()).await
            {
                start(stream, place);
            }
            // Who comes now is told at once that nobody listens.
            drop(listener);
            let _ = stopping.send(true);
            // Every connection gives its place back.
            let _ = places.acquire_many(most_connections).await;
            state.admission.empty().await;
        };
        let in_time = timeout(grace, ending).await.is_ok();
        if let Some(admin) = admin {
            admin.abort();
        }
        let left = if in_time {
            0
        } else {
            most_connections as usize - places.available_permits()
        };
        tracing::info!(given_up = left, "stopped");
        left
    }
}

/// Serves until the process gets SIGTERM or SIGINT, on threads of its own. `ready` is told the
/// addresses of the guard and of its metrics.
///
/// # Errors
/// What [`Guard::bind`] tells; threads and signals that the system does not give.
pub fn serve(
    config: &Config,
    judge: Arc<dyn Judge>,
    ready: impl FnOnce(SocketAddr, Option<SocketAddr>),
) -> Result<usize, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::System)?;
    let left = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Error::System)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::System)?;
        let guard = Guard::bind(config, judge).await?;
        let address = guard.address().map_err(Error::System)?;
        let admin = guard.admin_address().map_err(Error::System)?;
        tracing::info!(%address, upstream = %config.upstream, "listening");
        ready(address, admin);
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Ok::<usize, Error>(guard.run(stop).await)
    })?;
    // Judging that takes too long is not waited for.
    runtime.shutdown_background();
    Ok(left)
}
