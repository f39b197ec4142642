//! Bodies that are passed on piece by piece, and must not stop.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::body::Broken;

/// A body that breaks off if a piece takes too long to come.
#[derive(Debug)]
pub(crate) struct Paced<B> {
    body: B,
    within: Duration,
    /// Until the next piece has to be there; set while one is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// A piece took too long.
#[derive(Debug, thiserror::Error)]
#[error("no part of the body came for {within:?}")]
pub(crate) struct Stalled {
    within: Duration,
}

impl<B> Paced<B> {
    pub(crate) fn new(body: B, within: Duration) -> Self {
        Self {
            body,
            within,
            deadline: None,
        }
    }
}

impl<B> HttpBody for Paced<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Broken>,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.deadline = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let within = this.within;
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep(within)));
        ready!(deadline.as_mut().poll(context));
        // Whoever asks again gets the same answer.
        deadline.as_mut().reset(Instant::now());
        Poll::Ready(Some(Err(Stalled { within }.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
