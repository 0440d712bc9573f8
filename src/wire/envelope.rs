//! Reads and writes envelopes without decoding their bodies.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;

use super::fields::{Fields, Malformed, Value};
use super::{schema, varint};

/// The highest cid: the header of raw API answers has 16 bits for it.
pub const CID_MAX: u16 = u16::MAX;

/// The header of an envelope: the call that it answers, its member of the oneof, and the range of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The cid of the call that this answers; 0 for an event.
    pub cid: u32,
    /// The field number of the oneof member; 0 if there is none.
    pub tag: u32,
    /// The range of the member's encoded bytes in the frame.
    pub body: Range<usize>,
    /// The number of a field that the schema does not contain; 0 if there is none.
    pub unknown: u32,
}

/// Read the header of an envelope without decoding its body.
pub fn peek(frame: &[u8]) -> Result<Peek, Malformed> {
    let mut fields = Fields::new(frame);
    let mut found = Peek { cid: 0, tag: 0, body: 0..0, unknown: 0 };
    while let Some((number, value)) = fields.read()? {
        match (number, value) {
            // An int32 is sign-extended to 64 bits on the wire: the low half is the number.
            (1, Value::Varint(cid)) => found.cid = cid as u32,
            // Protobuf skips fields with another wire type.
            (1, _) => {}
            (tag, value) => {
                let member = is_member(tag);
                if !member {
                    found.unknown = tag;
                }
                // A later schema may add a field outside the oneof: it must not hide the member.
                if let Value::Bytes(body) = value
                    && (member || found.tag == 0)
                {
                    found.tag = tag;
                    found.body = fields.at() - body.len()..fields.at();
                }
            }
        }
    }
    Ok(found)
}

/// Return whether this schema knows the field as a member of the envelope's oneof.
fn is_member(tag: u32) -> bool {
    static MEMBERS: LazyLock<u128> = LazyLock::new(|| {
        let members =
            schema::envelope().fields.iter().filter(|field| field.oneof && field.number < u128::BITS);
        members.fold(0, |bits, field| bits | 1 << field.number)
    });
    tag < u128::BITS && *MEMBERS >> tag & 1 == 1
}

/// Encode `Envelope { cid, <tag>: body }`. The body is the encoded message of that field.
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
    use crate::wire::proto::realtime::{ClanJoin, Envelope, MessageTypingEvent, Ping, envelope::Message};
    use proptest::prelude::*;
    use prost::Message as _;

    proptest! {
        #[test]
        fn an_encoded_envelope_is_what_prost_writes(cid: u16, clan_id: i64) {
            let join = ClanJoin { clan_id, ..Default::default() };
            let expected = Envelope { cid: cid.into(), message: Some(Message::ClanJoin(join)) };
            prop_assert_eq!(encode_envelope(cid, 3, &join.encode_to_vec()), expected.encode_to_vec());
        }

        #[test]
        fn agrees_with_prost(cid: i32, channel_id: i64, name in ".{0,40}") {
            let typing = MessageTypingEvent { channel_id, sender_username: name, ..Default::default() };
            let envelope = Envelope { cid, message: Some(Message::MessageTypingEvent(typing.clone())) };
            let frame = envelope.encode_to_vec();
            let seen = peek(&frame).unwrap();
            prop_assert_eq!(seen.cid as i32, cid);
            prop_assert_eq!(seen.tag, 24);
            prop_assert_eq!(&frame[seen.body], &typing.encode_to_vec()[..]);
        }

        #[test]
        fn never_panics_and_never_points_outside(frame: Vec<u8>) {
            if let Ok(seen) = peek(&frame) {
                prop_assert!(seen.body.end <= frame.len());
            }
        }

        #[test]
        fn a_cut_frame_is_an_error_or_a_shorter_truth(cut in 0usize..30, cid in 1i32..70000) {
            let typing = MessageTypingEvent { sender_username: "someone".into(), ..Default::default() };
            let frame = Envelope { cid, message: Some(Message::MessageTypingEvent(typing)) }.encode_to_vec();
            let cut = cut.min(frame.len());
            match peek(&frame[..cut]) {
                Ok(seen) => prop_assert!(seen.tag == 0 || cut == frame.len()),
                Err(why) => prop_assert_eq!(why, Malformed::Truncated),
            }
        }
    }

    #[test]
    fn a_field_of_a_later_schema_hides_no_member() {
        let ping = Envelope { cid: 5, message: Some(Message::Ping(Ping {})) }.encode_to_vec();
        let later = encode_envelope(0, 120, b"later");
        for frame in [[&ping[..], &later].concat(), [&later[..], &ping].concat()] {
            let seen = peek(&frame).unwrap();
            assert_eq!((seen.cid, seen.tag, seen.body.len(), seen.unknown), (5, 22, 0, 120));
        }
        assert_eq!(peek(&later).unwrap().tag, 120, "alone it is an event nobody knows");
    }

    #[test]
    fn an_empty_body_is_an_event_too() {
        let frame = Envelope { cid: 0, message: Some(Message::Ping(Ping {})) }.encode_to_vec();
        assert_eq!(peek(&frame).unwrap(), Peek { cid: 0, tag: 22, body: 3..3, unknown: 0 });
    }
}
