//! Envelopes in abridged frames over TCP, usually with TLS.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::abridged::{self, Broken, Decoder};
use super::dial::Stream;
use super::{Endpoint, Frame, HANDSHAKE_PING, Lost, Transport};

const READ_BUFFER: usize = 32 << 10;
/// No more frames are accepted while this many bytes are unwritten.
const WRITE_BUFFER: usize = 128 << 10;

/// Perform the handshake, and wait for a frame that shows that the server has accepted the session: its only
/// answer to a handshake is the pong.
pub async fn open(endpoint: &Endpoint, stream: Stream, max_frame: usize) -> Result<Box<dyn Transport>, Lost> {
    let mut tcp = Tcp {
        stream,
        decoder: Decoder::new(max_frame),
        scratch: vec![0; READ_BUFFER].into(),
        unwritten: BytesMut::new(),
        first: None,
        awaits_handshake_pong: true,
    };
    if endpoint.token.is_empty() || endpoint.token.len() > abridged::FRAME_MAX {
        return Err(Lost::new("the socket URL carries no token"));
    }
    abridged::handshake(endpoint.token.as_bytes(), &mut tcp.unwritten);
    abridged::ping(HANDSHAKE_PING, &mut tcp.unwritten);
    poll_fn(|cx| tcp.poll_flush(cx)).await?;
    tcp.first = match poll_fn(|cx| tcp.poll_frame(cx)).await {
        Ok(frame) => Some(frame),
        Err(lost) if tcp.stream.bytes_read() == 0 => {
            let reason = format!("{lost} before sending anything: it may have rejected the session");
            return Err(Lost::new(reason));
        }
        Err(lost) => return Err(lost),
    };
    Ok(Box::new(tcp))
}

struct Tcp {
    stream: Stream,
    decoder: Decoder,
    scratch: Box<[u8]>,
    unwritten: BytesMut,
    /// The frame that showed it, to be returned first.
    first: Option<Frame>,
    /// Whether the answer to the handshake's ping is still to be reported.
    awaits_handshake_pong: bool,
}

impl Tcp {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        loop {
            if let Some(frame) = self.decoder.frame().map_err(lost)? {
                return Poll::Ready(Ok(frame));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(Lost::new("the server closed the connection")));
            }
        }
    }

    /// Read the available bytes into the decoder; 0 means the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Lost>> {
        let mut room = ReadBuf::new(&mut self.scratch);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut room);
        let read = room.filled().len();
        self.decoder.buffer().extend_from_slice(room.filled());
        polled.map(|outcome| outcome.map(|()| read).map_err(|why| broke(&why)))
    }

    /// Write as much as possible; ready when everything is written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        while !self.unwritten.is_empty() {
            let polled = Pin::new(&mut self.stream).poll_write(cx, &self.unwritten);
            match ready!(polled).map_err(|why| broke(&why))? {
                0 => return Poll::Ready(Err(Lost::new("the connection broke: nothing can be written"))),
                written => self.unwritten.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Transport for Tcp {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        let frame = match self.first.take() {
            Some(frame) => frame,
            None => ready!(self.poll_frame(cx))?,
        };
        if self.awaits_handshake_pong && frame == Frame::Pong(HANDSHAKE_PING) {
            self.awaits_handshake_pong = false;
            return Poll::Ready(Ok(Frame::HandshakePong));
        }
        Poll::Ready(Ok(frame))
    }

    fn bytes_read(&self) -> u64 {
        self.stream.bytes_read()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.unwritten.len() < WRITE_BUFFER { Poll::Ready(Ok(())) } else { self.poll_write(cx) }
    }

    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost> {
        let sent = abridged::envelope(cid, tag, body, &mut self.unwritten);
        sent.ok_or_else(|| Lost::new("a call exceeds the maximum size of a frame (64 MiB)"))
    }

    fn ping(&mut self, cid: u16) -> Result<usize, Lost> {
        let before = self.unwritten.len();
        abridged::ping(cid, &mut self.unwritten);
        Ok(self.unwritten.len() - before)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        ready!(self.poll_write(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx).map_err(|why| broke(&why))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(self.poll_flush(cx)).is_err()
            || ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err()
        {
            return Poll::Ready(());
        }
        // Closing a socket with unread data resets the connection and discards our last frames.
        loop {
            self.decoder.buffer().clear();
            if !matches!(ready!(self.poll_fill(cx)), Ok(1..)) {
                return Poll::Ready(());
            }
        }
    }
}

fn broke(why: &std::io::Error) -> Lost {
    Lost::new(format!("the connection broke: {why}"))
}

fn lost(why: Broken) -> Lost {
    match why {
        Broken::OutOfStep(byte) => {
            Lost::new(format!("the connection is out of step: no frame begins with 0x{byte:02x}"))
        }
        Broken::TooLong => Lost::new("the connection broke: a frame is longer than max_frame"),
        Broken::Closed(Some(code)) => Lost::new(format!("the server closed the connection with code {code}")),
        Broken::Closed(None) => Lost::new("the server closed the connection"),
        Broken::Refused(status) => {
            Lost::http(status, format!("the server refused the TCP connection with HTTP {status}"))
        }
    }
}
