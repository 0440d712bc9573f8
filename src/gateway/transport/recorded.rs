//! A transport whose frames are recorded. Without a recorder there is no such transport, and recording costs nothing.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Frame, Kind, Lost, Transport};
use crate::recorder::{self, Recorder};
use crate::wire::encode_envelope;
use crate::wire::tags::envelope::PING;

/// Record every frame of an open connection.
pub fn record(kind: Kind, inner: Box<dyn Transport>, recorder: &Arc<Recorder>) -> Box<dyn Transport> {
    recorder.add(recorder::Kind::Opened, kind.name().as_bytes());
    Box::new(Recorded { inner, recorder: recorder.clone() })
}

struct Recorded {
    inner: Box<dyn Transport>,
    recorder: Arc<Recorder>,
}

impl Transport for Recorded {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        let next = self.inner.poll_next(cx);
        if let Poll::Ready(outcome) = &next {
            match outcome {
                Ok(Frame::Envelope(envelope)) => self.recorder.add(recorder::Kind::Received, &**envelope),
                Ok(Frame::Chunk { chunk, payload }) => {
                    self.recorder.add(recorder::Kind::Chunk, chunk.frame(payload));
                }
                Ok(Frame::Malformed(why)) => {
                    self.recorder.add(recorder::Kind::Malformed, why.to_string().as_bytes());
                }
                Ok(Frame::Pong(_) | Frame::HandshakePong | Frame::Other) => {}
                Err(lost) => self.recorder.add(recorder::Kind::Lost, lost.reason.as_bytes()),
            }
        }
        next
    }

    fn bytes_read(&self) -> u64 {
        self.inner.bytes_read()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.inner.poll_ready(cx)
    }

    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost> {
        self.recorder.add(recorder::Kind::Sent, &*encode_envelope(cid, tag, body));
        self.inner.send(cid, tag, body)
    }

    fn ping(&mut self, cid: u16) -> Result<usize, Lost> {
        self.recorder.add(recorder::Kind::Sent, &*encode_envelope(cid, PING, &[]));
        self.inner.ping(cid)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.inner.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inner.poll_close(cx)
    }
}
