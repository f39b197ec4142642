//! A guard between a client and a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gifthorse_engine::{Layout, Preprocess};
use gifthorse_guard::{Config, Form, Guard, Guarded, Limits, Mode, Times, Unjudged, UpstreamTls};
use hyper::Uri;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::corner::Corner;
use crate::server::Server;

/// Times short enough for tests, and long enough for a busy machine.
pub const TIMES: Times = Times {
    read: Duration::from_secs(20),
    queue: Duration::from_secs(20),
    scoring: Duration::from_secs(20),
    upstream: Duration::from_secs(20),
    grace: Duration::from_secs(20),
};

/// A guard for the model `signs`, in front of a server at this address.
pub fn config(server: SocketAddr, mode: Mode) -> Config {
    let upstream: Uri = format!("http://{server}").parse().unwrap();
    let form = Form::new([1, 2, 2], &Preprocess::default(), Layout::Nchw).unwrap();
    let unjudged = match mode {
        Mode::Shadow { .. } | Mode::Flag => Unjudged::Pass,
        Mode::Reject | Mode::SafeLabel => Unjudged::Refuse,
    };
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: Some("127.0.0.1:0".parse().unwrap()),
        upstream: upstream.clone(),
        grpc_upstream: Some(upstream),
        tls: None,
        upstream_tls: UpstreamTls::default(),
        guarded: Guarded {
            models: vec!["signs".to_owned()],
            input: None,
            output: None,
            form,
        },
        mode,
        unjudged,
        limits: Limits::default(),
        times: TIMES,
    }
}

/// A guard at work, until dropped.
pub struct Rig {
    pub server: Server,
    pub client: Client,
    pub admin: Client,
    pub judge: Arc<Corner>,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<usize>,
}

impl Rig {
    pub async fn new(mode: Mode) -> Self {
        Self::with(mode, Corner::default(), |_| {}).await
    }

    pub async fn with(mode: Mode, judge: Corner, change: impl FnOnce(&mut Config)) -> Self {
        let server = Server::start().await;
        let mut config = config(server.address, mode);
        change(&mut config);
        let judge = Arc::new(judge);
        let guard = Guard::bind(&config, Arc::clone(&judge) as _).await.unwrap();
        let address = guard.address().unwrap();
        let admin = Client::new(guard.admin_address().unwrap().unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(guard.run(async {
            let _ = stopped.await;
        }));
        Self {
            server,
            client: Client::new(address),
            admin,
            judge,
            address,
            stop: Some(stop),
            running,
        }
    }

    /// Tells the guard to stop.
    pub fn stop(&mut self) {
        let stop = self.stop.take().unwrap();
        stop.send(()).unwrap();
    }

    /// Waits until it has; gives the connections that it gave up.
    pub async fn ended(&mut self) -> usize {
        (&mut self.running).await.unwrap()
    }

    /// A line of the metrics, as a number; 0 if it is not there.
    pub async fn metric(&self, line: &str) -> f64 {
        let text = self.admin.get("/metrics").await.body;
        let text = String::from_utf8(text.to_vec()).unwrap();
        let value = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Waits until a metric has this value.
    pub async fn wait_for(&self, line: &str, value: f64) {
        for _ in 0..2000 {
            if self.metric(line).await == value {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{line} is {}, not {value}", self.metric(line).await);
    }
}
