//! The few fields of an encoded `mezon.api.ChannelMessage` the core needs, read without allocating, once a message.
//!
//! A full prost decode makes eight strings that neither store nor connection look at; this walk over the fields makes none.

use super::fields::{Fields, Malformed, Value};
use super::looks::Looks;
use super::tags::channel_message as field;

/// A slice of the payload: start and length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The last `len` bytes before `end`. Both fit in 32 bits, as a payload's length has to.
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

/// What a message code asks of those who keep messages.
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
    /// Reads the columns of an encoded message.
    ///
    /// A field of another wire type than its own is skipped, the last of several wins: what every protobuf parser does.
    ///
    /// # Errors
    /// For bytes that are no protobuf message.
    pub fn parse(body: &[u8]) -> Result<Header, Malformed> {
        Self::parse_with(body, |_, _| {})
    }

    /// The columns, and what the message shows of its sender, in one walk.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_all(body: &[u8]) -> Result<(Header, Looks), Malformed> {
        let mut looks = Looks::default();
        let header = Self::parse_with(body, |number, span| looks.take(number, span))?;
        Ok((header, looks))
    }

    #[inline]
    fn parse_with(body: &[u8], mut take: impl FnMut(u32, Span)) -> Result<Header, Malformed> {
        u32::try_from(body.len()).map_err(|_| Malformed::TooLong)?;
        let mut header = Header::default();
        let mut fields = Fields::new(body);
        while let Some((number, value)) = fields.read()? {
            match value {
                Value::Varint(value) => header.scalar(number, value),
                Value::Bytes(bytes) => {
                    let span = Span::before(fields.at(), bytes.len());
                    header.bytes(number, span);
                    take(number, span);
                }
                Value::Fixed64(_) | Value::Fixed32(_) => {}
            }
        }
        Ok(header)
    }

    #[inline]
    fn scalar(&mut self, number: u32, value: u64) {
        match number {
            field::CLAN_ID => self.clan = value as i64,
            field::CHANNEL_ID => self.channel = value as i64,
            field::MESSAGE_ID => self.id = value as i64,
            field::CODE => self.code = value as i32,
            field::SENDER_ID => self.sender = value as i64,
            field::CREATE_TIME_SECONDS => self.created = value as u32,
            field::TOPIC_ID => self.topic = value as i64,
            _ => {}
        }
    }

    #[inline]
    fn bytes(&mut self, number: u32, span: Span) {
        match number {
            field::CONTENT => self.content = span,
            field::REACTIONS => self.reactions = span,
            field::MENTIONS => self.mentions = span,
            field::ATTACHMENTS => self.attachments = span,
            field::REFERENCES => self.references = span,
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
                references, referenced_message, mode, is_public: public, display_name: "ann".into(), clan_avatar: "a.png".into(), ..Default::default()
            };
            let body = message.encode_to_vec();
            let header = Header::parse(&body).expect("prost writes protobuf");
            prop_assert_eq!([header.clan, header.channel, header.id, header.sender, header.topic], ids);
            prop_assert_eq!((header.code, header.created), (code, created));
            let (same, looks) = Header::parse_all(&body).expect("it was just read");
            prop_assert_eq!(same, header);
            let shown = [message.username.as_bytes(), b"ann", b"", b"", b"a.png"];
            prop_assert_eq!(looks.of(&body), shown.map(Some));
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
            } else if let Ok(header) = Header::parse(&body) {
                let _ = header.content.of(&body);
            }
        }
    }

    #[test]
    fn a_cut_payload_is_refused() {
        let message = ChannelMessage { message_id: i64::MAX, content: "hello".into(), ..Default::default() };
        let body = message.encode_to_vec();
        assert!(Header::parse(&body[..body.len() - 1]).is_err());
        assert!(Header::parse(&[0x08]).is_err());
        assert!(
            Header::parse(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err()
        );
        assert_eq!(Header::parse(&[]), Ok(Header::default()));
    }
}
