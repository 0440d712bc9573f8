//! The framing of the TCP transport, without I/O: decodes frames from a stream, and encodes calls.
//!
//! An envelope is framed as in MTProto's abridged form: its length in words of four bytes, then the envelope,
//! padded with zeros. The server sends other frames in between, each identified by its first byte
//! (docs/protocol.md, "Abridged TCP").

#[cfg(test)]
mod tests;

use bytes::{Buf as _, Bytes, BytesMut};

use super::Frame;
use crate::wire::{Chunk, varint};

/// In place of a length: the length follows in three bytes, little-endian.
const LONG: u8 = 0x7F;
const WORD: usize = 4;
const RAW: u8 = 0xFF;
const RAW_HEADER: usize = 11;
/// The maximum payload of a WebSocket control frame.
const CONTROL_MAX: usize = 125;
/// The maximum size of an envelope's field: a greater length is invalid.
const FIELD_MAX: u64 = 64 << 20;

/// Why a stream cannot be decoded. The decoder does not resynchronize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// No frame begins with this byte.
    OutOfStep(u8),
    /// A frame is longer than the maximum.
    TooLong,
    /// The server closed the connection with a WebSocket close frame.
    Closed(Option<u16>),
    /// The server answered with this HTTP status instead of a frame.
    Refused(u16),
}

/// Decodes the frames of a stream.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    max: usize,
    /// Whether a frame was decoded: from then on `H` is a length, and not the beginning of `HTTP`.
    begun: bool,
}

impl Decoder {
    /// Create a decoder; `max` is the maximum size of a frame in bytes.
    pub fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), max, begun: false }
    }

    /// Return the buffer to append received bytes to. It grows with the received bytes, never by an announced
    /// length.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Return the next complete frame, if there is one.
    ///
    /// # Errors
    /// If the stream is invalid or the server has closed it.
    pub fn frame(&mut self) -> Result<Option<Frame>, Broken> {
        let Some(&first) = self.buffer.first() else { return Ok(None) };
        if !self.begun && first == b'H' {
            match refusal(&self.buffer) {
                Refusal::Not => {}
                Refusal::Status(status) => return Err(Broken::Refused(status)),
                Refusal::Unknown => return Ok(None),
            }
        }
        let frame = match first {
            0 => self.pong(),
            0x01..=LONG => self.abridged(first)?,
            RAW => self.raw()?,
            0x82 => self.websocket()?.map(Frame::Envelope),
            0x81 => self.websocket()?.map(|_| Frame::Other),
            0x88..=0x8A => self.control(first)?,
            other => return Err(Broken::OutOfStep(other)),
        };
        self.begun |= frame.is_some();
        Ok(frame)
    }

    /// Remove a header of `header` bytes and return the bytes after it, if they are complete.
    fn take(&mut self, header: usize, length: usize) -> Result<Option<Bytes>, Broken> {
        if length > self.max {
            return Err(Broken::TooLong);
        }
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        self.buffer.advance(header);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    fn pong(&mut self) -> Option<Frame> {
        let head: [u8; 3] = self.buffer.first_chunk().copied()?;
        self.buffer.advance(head.len());
        Some(Frame::Pong(u16::from_be_bytes([head[1], head[2]])))
    }

    fn abridged(&mut self, first: u8) -> Result<Option<Frame>, Broken> {
        let (header, words) = match (first, self.buffer.first_chunk::<4>()) {
            (LONG, Some([_, low, middle, high])) => (4, u32::from_le_bytes([*low, *middle, *high, 0])),
            (LONG, None) => return Ok(None),
            _ => (1, u32::from(first)),
        };
        let padded = self.take(header, words as usize * WORD)?;
        Ok(padded.map(|padded| Frame::Envelope(padded.slice(..envelope_end(&padded)))))
    }

    fn raw(&mut self) -> Result<Option<Frame>, Broken> {
        let Some(head) = self.buffer.first_chunk::<RAW_HEADER>().copied() else { return Ok(None) };
        let length = u32::from_be_bytes([head[7], head[8], head[9], head[10]]);
        let Ok(chunk) = Chunk::parse(&head) else { return Err(Broken::OutOfStep(RAW)) };
        let payload = self.take(RAW_HEADER, usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(payload.map(|payload| Frame::Chunk { chunk, payload }))
    }

    /// Return the payload of a WebSocket frame: unfragmented and unmasked, as servers send it.
    fn websocket(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(&short) = self.buffer.get(1) else { return Ok(None) };
        let (header, length) = match short {
            126 => match self.buffer.get(2..4) {
                Some(length) => (4, u64::from(u16::from_be_bytes([length[0], length[1]]))),
                None => return Ok(None),
            },
            127 => match self.buffer.get(2..10).and_then(|length| length.first_chunk()) {
                Some(length) => (10, u64::from_be_bytes(*length)),
                None => return Ok(None),
            },
            masked @ 128.. => return Err(Broken::OutOfStep(masked)),
            short => (2, u64::from(short)),
        };
        self.take(header, usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn control(&mut self, first: u8) -> Result<Option<Frame>, Broken> {
        if self.buffer.get(1).is_some_and(|length| usize::from(*length) > CONTROL_MAX) {
            return Err(Broken::OutOfStep(first));
        }
        let Some(payload) = self.websocket()? else { return Ok(None) };
        if first == 0x88 {
            let code = payload.first_chunk().copied().map(u16::from_be_bytes);
            return Err(Broken::Closed(code));
        }
        Ok(Some(Frame::Other))
    }
}

enum Refusal {
    Not,
    /// Undecided until more bytes arrive.
    Unknown,
    Status(u16),
}

/// Check for the head of an HTTP response.
fn refusal(bytes: &[u8]) -> Refusal {
    const START: &[u8] = b"HTTP/1.";
    let seen = bytes.len().min(START.len());
    if bytes[..seen] != START[..seen] {
        return Refusal::Not;
    }
    // "HTTP/1.1 401"
    let Some(status) = bytes.get(START.len() + 2..START.len() + 5) else { return Refusal::Unknown };
    let status = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok());
    Refusal::Status(status.unwrap_or(0))
}

/// Return where an envelope ends in its padded frame: at an invalid tag, because the padding consists of zeros.
///
/// A frame that ends in the middle of a field is returned whole, for the decoder to report.
fn envelope_end(padded: &[u8]) -> usize {
    let mut at = 0;
    while at < padded.len() {
        let start = at;
        let Ok(tag) = varint::read(padded, &mut at) else { return padded.len() };
        let length = match (tag >> 3, tag & 7) {
            (0, _) | (_, 3 | 4 | 6 | 7) => return start,
            (_, 0) => match varint::read(padded, &mut at) {
                Ok(_) => 0,
                Err(_) => return padded.len(),
            },
            (_, 1) => 8,
            (_, 5) => 4,
            _ => match varint::read(padded, &mut at) {
                Ok(length) if length > FIELD_MAX => return start,
                Ok(length) => length as usize,
                Err(_) => return padded.len(),
            },
        };
        at += length;
    }
    padded.len()
}

/// The first byte of the handshake.
const HANDSHAKE: u8 = 0xEF;
/// The maximum size of a frame: 24 bits of words.
pub const FRAME_MAX: usize = 0x00FF_FFFF * WORD;
/// The server strips all zeros at the end of a frame. This unknown field, which it skips, protects significant
/// ones.
const FILLER: [u8; 3] = [0xF8, 0x7F, 0x01];

/// Append the handshake: the token, once, before any other frame.
pub fn handshake(token: &[u8], into: &mut BytesMut) {
    into.extend_from_slice(&[HANDSHAKE]);
    padded(token, into);
}

pub fn ping(cid: u16, into: &mut BytesMut) {
    into.extend_from_slice(&[0]);
    into.extend_from_slice(&cid.to_be_bytes());
}

/// Append `Envelope { <tag>: body, cid }` as a frame. Returns its length, or None if it is too long.
///
/// The cid is last because it never ends in a zero, which the server would strip.
pub fn envelope(cid: u16, tag: u32, body: &[u8], into: &mut BytesMut) -> Option<usize> {
    let mut envelope = Vec::with_capacity(body.len() + 16);
    varint::write(u64::from(tag) << 3 | 2, &mut envelope);
    varint::write(body.len() as u64, &mut envelope);
    envelope.extend_from_slice(body);
    if cid != 0 {
        envelope.push(1 << 3);
        varint::write(u64::from(cid), &mut envelope);
    }
    if envelope.last() == Some(&0) {
        envelope.extend(FILLER);
    }
    if envelope.len() > FRAME_MAX {
        return None;
    }
    let before = into.len();
    padded(&envelope, into);
    Some(into.len() - before)
}

/// Append the length in words, the bytes, and zeros up to the next word.
fn padded(bytes: &[u8], into: &mut BytesMut) {
    let words = bytes.len().div_ceil(WORD);
    into.reserve(4 + words * WORD);
    match u8::try_from(words) {
        Ok(words) if words < LONG => into.extend_from_slice(&[words]),
        _ => {
            let [low, middle, high, _] = (words as u32).to_le_bytes();
            into.extend_from_slice(&[LONG, low, middle, high]);
        }
    }
    into.extend_from_slice(bytes);
    into.resize(into.len() + words * WORD - bytes.len(), 0);
}
