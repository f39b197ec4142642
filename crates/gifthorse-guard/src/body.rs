//! Bodies that are read whole.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper::body::Body as HttpBody;
use tokio::time::timeout;

use crate::admission::Held;

/// What goes wrong with a body on its way.
pub(crate) type Broken = Box<dyn std::error::Error + Send + Sync>;
/// The body of whatever the guard sends.
pub(crate) type Body = UnsyncBoxBody<Bytes, Broken>;

/// A body that has come whole.
#[derive(Debug)]
pub(crate) struct Whole {
    /// They count as held until the last part of them is dropped.
    pub(crate) bytes: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Why a body could not be read whole.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is larger than allowed.
    TooLarge,
    /// All bodies together are.
    NoMemory,
    /// It took too long.
    Slow,
    /// It broke off.
    Broken(Broken),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_whole<B>(
    body: B,
    limit: usize,
    held: Held,
    within: Duration,
) -> Result<Whole, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Broken>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLarge);
    }
    let reading = timeout(within, read(body, limit, held)).await;
    reading.unwrap_or(Err(Unread::Slow))
}

async fn read<B>(mut body: B, limit: usize, mut held: Held) -> Result<Whole, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Broken>,
{
    let mut bytes = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        match frame
            .map_err(|error| Unread::Broken(error.into()))?
            .into_data()
        {
            Ok(data) => {
                if bytes.len() + data.len() > limit {
                    return Err(Unread::TooLarge);
                }
                if !held.take(data.len()) {
                    return Err(Unread::NoMemory);
                }
                bytes.extend_from_slice(&data);
            }
            Err(other) => trailers = other.into_trailers().ok(),
        }
    }
    Ok(Whole {
        bytes: Bytes::from_owner(Counted { bytes, _held: held }),
        trailers,
    })
}

/// Bytes with the memory that they take of what all bodies may take.
struct Counted<B> {
    bytes: B,
    _held: Held,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Counted<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Whole {
    /// Other bytes in place of these; none if they are more than can be held.
    pub(crate) fn with(self, bytes: Bytes, mut held: Held) -> Option<Self> {
        held.take(bytes.len()).then(|| Self {
            bytes: Bytes::from_owner(Counted { bytes, _held: held }),
            ..self
        })
    }

    /// As it was, to be sent on.
    pub(crate) fn body(&self) -> Body {
        let trailers = self.trailers.clone();
        let body = Full::new(self.bytes.clone());
        match trailers {
            None => body.map_err(|never| match never {}).boxed_unsync(),
            Some(trailers) => body
                .with_trailers(async move { Some(Ok(trailers)) })
                .map_err(|never| match never {})
                .boxed_unsync(),
        }
    }
}
