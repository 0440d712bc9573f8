//! Base-128 varints, the number format of protobuf keys, lengths and integers.

use super::Malformed;

/// Read a varint at `*at` and advance `*at`.
#[inline]
pub fn read(buf: &[u8], at: &mut usize) -> Result<u64, Malformed> {
    if let Some(&first) = buf.get(*at)
        && first < 0x80
    {
        *at += 1;
        return Ok(u64::from(first));
    }
    read_long(buf, at)
}

fn read_long(buf: &[u8], at: &mut usize) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *buf.get(*at).ok_or(Malformed::Truncated)?;
        *at += 1;
        // Only one bit of the tenth byte fits; like google.protobuf, drop the others.
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed::Varint)
}

/// Append a varint.
#[inline]
pub fn write(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back(value: u64) {
            let mut buf = Vec::new();
            write(value, &mut buf);
            let mut at = 0;
            prop_assert_eq!(read(&buf, &mut at), Ok(value));
            prop_assert_eq!(at, buf.len());
            prop_assert_eq!(buf.len(), prost::length_delimiter_len(value as usize));
        }

        #[test]
        fn garbage_is_an_error_or_a_number(bytes: Vec<u8>) {
            let mut at = 0;
            if read(&bytes, &mut at).is_ok() {
                prop_assert!(at <= 10 && at <= bytes.len());
            }
        }
    }

    #[test]
    fn eleven_bytes_are_refused() {
        assert_eq!(read(&[0x80; 11], &mut 0), Err(Malformed::Varint));
        assert_eq!(read(&[0xFF; 10], &mut 0), Err(Malformed::Varint));
        assert_eq!(read(&[0x80, 0x80], &mut 0), Err(Malformed::Truncated));
    }

    #[test]
    fn what_does_not_fit_the_tenth_byte_is_dropped() {
        let of = |tenth| [[0xFF; 9].as_slice(), &[tenth]].concat();
        assert_eq!(read(&of(0x01), &mut 0), Ok(u64::MAX));
        assert_eq!(read(&of(0x7F), &mut 0), Ok(u64::MAX));
        assert_eq!(read(&of(0x02), &mut 0), Ok(u64::MAX >> 1));
    }
}
