//! Raw API answers: chunks with a header of seven bytes, joined per cid (docs/protocol.md, "Raw API answers").

use super::Malformed;

/// The first byte of a raw chunk; no envelope begins with it.
pub const RAW_MARK: u8 = 0xFF;

const HEADER: usize = 7;
const FLAG_LAST: u32 = 0x00FF;

/// The header of a chunk; the payload follows in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    pub cid: u16,
    /// The response code; anything but 0 is an error.
    pub code: u16,
    pub last: bool,
}

impl Chunk {
    /// Parse the header of a frame whose first byte is [`RAW_MARK`].
    pub fn parse(frame: &[u8]) -> Result<Self, Malformed> {
        let head: &[u8; HEADER] = frame.first_chunk().ok_or(Malformed::ChunkHeader)?;
        let word = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
        Ok(Self {
            cid: u16::from_be_bytes([head[1], head[2]]),
            code: (word >> 16) as u16,
            last: word & 0xFFFF == FLAG_LAST,
        })
    }

    /// Return the frame of this header and a payload, as on a WebSocket.
    pub fn frame(&self, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER + payload.len());
        frame.push(RAW_MARK);
        frame.extend(self.cid.to_be_bytes());
        frame.extend((u32::from(self.code) << 16 | if self.last { FLAG_LAST } else { 0 }).to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// Return the payload of the frame that this header belongs to.
    pub fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(HEADER..).unwrap_or_default()
    }
}

/// An incomplete answer. Each pending call has one; unclaimed chunks are dropped before.
#[derive(Debug, Default)]
pub struct Stream {
    body: Vec<u8>,
}

/// The answer exceeds its bound.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamTooLong;

impl Stream {
    /// Return the number of bytes received so far.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Append a chunk's payload. Returns the whole body after the last chunk.
    pub fn push(
        &mut self,
        chunk: Chunk,
        payload: &[u8],
        max: usize,
    ) -> Result<Option<Vec<u8>>, StreamTooLong> {
        if self.body.len() + payload.len() > max {
            self.body = Vec::new();
            return Err(StreamTooLong);
        }
        self.body.extend_from_slice(payload);
        Ok(chunk.last.then(|| std::mem::take(&mut self.body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_join_to_what_was_cut(body in prop::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
            let mut stream = Stream::default();
            let mut whole = None;
            let count = body.len().div_ceil(size).max(1);
            for at in 0..count {
                let part = &body[at * size..((at + 1) * size).min(body.len())];
                let bytes = Chunk { cid: 7, code: 0, last: at + 1 == count }.frame(part);
                let chunk = Chunk::parse(&bytes).unwrap();
                prop_assert_eq!(chunk.cid, 7);
                whole = stream.push(chunk, chunk.payload(&bytes), 1000).unwrap();
                prop_assert_eq!(whole.is_some(), at + 1 == count);
            }
            prop_assert_eq!(whole.unwrap(), body);
        }

        #[test]
        fn any_bytes_are_a_chunk_or_an_error(mut bytes: Vec<u8>) {
            bytes.insert(0, RAW_MARK);
            prop_assert_eq!(Chunk::parse(&bytes).is_ok(), bytes.len() >= HEADER);
        }
    }

    #[test]
    fn the_header_is_big_endian() {
        let bytes = [0xFF, 0x12, 0x34, 0x00, 0x05, 0x00, 0xFF, 9];
        let chunk = Chunk::parse(&bytes).unwrap();
        assert_eq!(chunk, Chunk { cid: 0x1234, code: 5, last: true });
        assert_eq!(chunk.payload(&bytes), [9]);
        assert_eq!(chunk.frame(&[9]), bytes);
    }

    #[test]
    fn a_stream_past_its_bound_is_dropped() {
        let mut stream = Stream::default();
        let chunk = Chunk { cid: 1, code: 0, last: false };
        assert_eq!(stream.push(chunk, &[0; 8], 10), Ok(None));
        assert_eq!(stream.push(chunk, &[0; 8], 10), Err(StreamTooLong));
    }
}
