//! Calls, pings and the handshake as bytes.

use bytes::BytesMut;

use super::{LONG, WORD};
use crate::wire::varint;

/// The first byte of the handshake.
const HANDSHAKE: u8 = 0xEF;
/// The longest frame: 24 bits of words.
pub const FRAME_MAX: usize = 0x00FF_FFFF * WORD;
/// The server cuts every zero at the end of a frame. This unknown field, which it skips, keeps one that counts.
const FILLER: [u8; 3] = [0xF8, 0x7F, 0x01];

/// Appends the handshake: the token, once, before anything else.
pub fn handshake(token: &[u8], into: &mut BytesMut) {
    into.extend_from_slice(&[HANDSHAKE]);
    padded(token, into);
}

pub fn ping(cid: u16, into: &mut BytesMut) {
    into.extend_from_slice(&[0]);
    into.extend_from_slice(&cid.to_be_bytes());
}

/// Appends `Envelope { <tag>: body, cid }` as a frame. Gives its length, or None when it is too long for one.
///
/// The cid comes last: it never ends in a zero, which the server would cut.
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

/// The length in words, the bytes, and zeros up to the next word.
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
