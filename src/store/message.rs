//! The few fields of an encoded `mezon.api.ChannelMessage` the store needs, read without allocating.
//!
//! A full prost decode makes eight strings the table has no column for; this walk over the tags makes none.

/// A slice of the payload: start and length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    pub fn of(self, body: &[u8]) -> &[u8] {
        let start = self.start as usize;
        body.get(start..start + self.len as usize).unwrap_or_default()
    }

    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// What a message code asks of the store.
pub const CODE_UPDATE: i32 = 1;
pub const CODE_REMOVE: i32 = 2;

/// The columns of one message, as they lie in its payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header {
    pub clan: i64,
    pub channel: i64,
    pub id: i64,
    pub sender: i64,
    pub topic: i64,
    pub code: i32,
    pub created: u32,
    pub content: Span,
    pub reactions: Span,
    pub mentions: Span,
    pub attachments: Span,
    pub references: Span,
}

impl Header {
    /// `None` for a payload that is no protobuf message. A field of another wire type than its own is skipped,
    /// the last of several wins: what every protobuf parser does.
    pub fn parse(body: &[u8]) -> Option<Header> {
        u32::try_from(body.len()).ok()?;
        let mut header = Header::default();
        let mut at = 0;
        while at < body.len() {
            let tag = varint(body, &mut at)?;
            let number = tag >> 3;
            if number == 0 {
                return None;
            }
            match tag & 7 {
                0 => {
                    let value = varint(body, &mut at)?;
                    header.scalar(number, value);
                }
                1 => skip(body, &mut at, 8)?,
                2 => {
                    let len = varint(body, &mut at)?;
                    let start = at;
                    skip(body, &mut at, len)?;
                    // Both fit: the body's length fits in 32 bits.
                    header.bytes(number, Span { start: start as u32, len: len as u32 });
                }
                5 => skip(body, &mut at, 4)?,
                _ => return None,
            }
        }
        Some(header)
    }

    #[inline]
    fn scalar(&mut self, number: u64, value: u64) {
        match number {
            1 => self.clan = value as i64,
            2 => self.channel = value as i64,
            3 => self.id = value as i64,
            4 => self.code = value as i32,
            5 => self.sender = value as i64,
            20 => self.created = value as u32,
            25 => self.topic = value as i64,
            _ => {}
        }
    }

    #[inline]
    fn bytes(&mut self, number: u64, span: Span) {
        match number {
            8 => self.content = span,
            15 => self.reactions = span,
            16 => self.mentions = span,
            17 => self.attachments = span,
            18 => self.references = span,
            _ => {}
        }
    }

    /// True when the four list columns are `[]` and the topic is 0, as in most messages.
    pub fn is_plain(&self) -> bool {
        self.topic == 0
            && self.reactions.is_empty()
            && self.mentions.is_empty()
            && self.attachments.is_empty()
            && self.references.is_empty()
    }
}

#[inline]
fn varint(body: &[u8], at: &mut usize) -> Option<u64> {
    let first = *body.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    let mut shift = 7;
    while shift < 64 {
        let byte = *body.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
    None
}

#[inline]
fn skip(body: &[u8], at: &mut usize, len: u64) -> Option<()> {
    let len = usize::try_from(len).ok()?;
    let end = at.checked_add(len).filter(|end| *end <= body.len())?;
    *at = end;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::api::ChannelMessage;
    use bytes::Bytes;
    use proptest::prelude::*;
    use prost::Message as _;

    proptest! {
        #[test]
        fn reads_what_prost_writes(
            ids in any::<[i64; 5]>(), code in any::<i32>(), created in any::<u32>(),
            texts in any::<[String; 3]>(), blobs in any::<[Vec<u8>; 5]>(), mode in any::<i32>(), public in any::<bool>(),
        ) {
            let [reactions, mentions, attachments, references, referenced_message] = blobs.map(Bytes::from);
            let [username, content, category_name] = texts;
            let message = ChannelMessage {
                clan_id: ids[0], channel_id: ids[1], message_id: ids[2], sender_id: ids[3], topic_id: ids[4],
                code, create_time_seconds: created, username, content, category_name, reactions, mentions, attachments,
                references, referenced_message, mode, is_public: public, ..Default::default()
            };
            let body = message.encode_to_vec();
            let header = Header::parse(&body).expect("prost writes protobuf");
            prop_assert_eq!([header.clan, header.channel, header.id, header.sender, header.topic], ids);
            prop_assert_eq!((header.code, header.created), (code, created));
            prop_assert_eq!(header.content.of(&body), message.content.as_bytes());
            prop_assert_eq!(header.reactions.of(&body), &message.reactions[..]);
            prop_assert_eq!(header.mentions.of(&body), &message.mentions[..]);
            prop_assert_eq!(header.attachments.of(&body), &message.attachments[..]);
            prop_assert_eq!(header.references.of(&body), &message.references[..]);
        }

        #[test]
        fn never_panics_and_agrees_with_prost_on_what_is_broken(body in prop::collection::vec(any::<u8>(), 0..64)) {
            if ChannelMessage::decode(&body[..]).is_ok() {
                // Groups are the one thing prost skips and this does not; no Mezon schema has them.
                let _ = Header::parse(&body);
            } else if let Some(header) = Header::parse(&body) {
                let _ = header.content.of(&body);
            }
        }
    }

    #[test]
    fn a_cut_payload_is_refused() {
        let message = ChannelMessage { message_id: i64::MAX, content: "hello".into(), ..Default::default() };
        let body = message.encode_to_vec();
        assert!(Header::parse(&body[..body.len() - 1]).is_none());
        assert!(Header::parse(&[0x08]).is_none());
        assert!(
            Header::parse(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
                .is_none()
        );
        assert_eq!(Header::parse(&[]), Some(Header::default()));
    }
}
