//! The protobuf reader: iterates over the fields of a message, and reports malformed ones.

use std::fmt;

use super::varint;

/// Why a frame is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It ends in the middle of a field.
    Truncated,
    /// A varint is longer than ten bytes.
    Varint,
    /// A field has an invalid number or wire type.
    Field,
    /// A string is not UTF-8.
    Utf8,
    /// Messages are nested too deeply.
    TooDeep,
    /// Its lists have too many elements.
    TooMany,
    /// A raw API chunk is shorter than its header.
    ChunkHeader,
    /// A message is longer than 4 GiB.
    TooLong,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the frame ends in the middle of a field",
            Self::Varint => "a number is longer than ten bytes",
            Self::Field => "a field has an impossible number or wire type",
            Self::Utf8 => "a string is not UTF-8",
            Self::TooDeep => "messages are nested too deeply",
            Self::TooMany => "its lists have too many elements",
            Self::ChunkHeader => "a raw API chunk is shorter than its header",
            Self::TooLong => "a message is longer than 4 GiB",
        })
    }
}

impl std::error::Error for Malformed {}

/// The value of a field on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// An iterator over the fields of a message. The deprecated groups are an error.
pub struct Fields<'a> {
    buf: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub fn new(buf: &'a [u8]) -> Self {
        Self { buf, at: 0 }
    }

    /// Return the next field's number and value, or None at the end.
    #[inline]
    pub fn read(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.at == self.buf.len() {
            return Ok(None);
        }
        let key = varint::read(self.buf, &mut self.at)?;
        let number = u32::try_from(key >> 3).map_err(|_| Malformed::Field)?;
        if number == 0 || number > 0x1FFF_FFFF {
            return Err(Malformed::Field);
        }
        let value = match key & 7 {
            0 => Value::Varint(varint::read(self.buf, &mut self.at)?),
            1 => Value::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let len = varint::read(self.buf, &mut self.at)?;
                let len = usize::try_from(len).map_err(|_| Malformed::Truncated)?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(Malformed::Field),
        };
        Ok(Some((number, value)))
    }

    /// Return the position after the last value read.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(Malformed::Truncated)?;
        let part = self.buf.get(self.at..end).ok_or(Malformed::Truncated)?;
        self.at = end;
        Ok(part)
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Truncated)
    }
}

/// A range of the payload: start and length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Return the span of the last `len` bytes before `end`. Both must fit in 32 bits, as a payload's length does.
    #[inline]
    pub fn before(end: usize, len: usize) -> Self {
        Self { start: (end - len) as u32, len: len as u32 }
    }

    pub fn of(self, body: &[u8]) -> &[u8] {
        let start = self.start as usize;
        body.get(start..start + self.len as usize).unwrap_or_default()
    }

    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}
