//! Wrapping a call's body into an envelope.

use bytes::Bytes;

use super::varint;

/// The highest cid: the raw API header has 16 bits for it.
pub const CID_MAX: u16 = u16::MAX;

/// `Envelope { cid, <tag>: body }` as bytes. The body is the encoded message of that field.
pub fn encode_envelope(cid: u16, tag: u32, body: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(body.len() + 16);
    if cid != 0 {
        frame.push(1 << 3);
        varint::write(u64::from(cid), &mut frame);
    }
    varint::write(u64::from(tag) << 3 | 2, &mut frame);
    varint::write(body.len() as u64, &mut frame);
    frame.extend_from_slice(body);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::realtime::{ClanJoin, Envelope, envelope::Message};
    use proptest::prelude::*;
    use prost::Message as _;

    proptest! {
        #[test]
        fn is_what_prost_writes(cid: u16, clan_id: i64) {
            let join = ClanJoin { clan_id, ..Default::default() };
            let expected = Envelope { cid: cid.into(), message: Some(Message::ClanJoin(join)) };
            prop_assert_eq!(encode_envelope(cid, 3, &join.encode_to_vec()), expected.encode_to_vec());
        }
    }
}
