//! Reconstructs a sent message from the call and its acknowledgement, for the store and the recent messages before
//! the server's own copy arrives.

use super::fields::{Fields, Malformed, Value};
use super::tags::{
    channel_message as message, channel_message_ack as ack, channel_message_send as send,
    message_attachment_list, message_mention_list, message_ref_list,
};
use super::varint;

/// Return the encoded `mezon.api.ChannelMessage`; None if the acknowledgement contains no message id.
///
/// # Errors
/// If the call or the answer is malformed.
pub fn sent_message(sender: i64, sent: &[u8], answer: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut out = Vec::with_capacity(sent.len() + answer.len() + 32);
    let mut lists = [const { Vec::new() }; 3];
    let mut fields = Fields::new(sent);
    while let Some((number, value)) = fields.read()? {
        match (number, value) {
            (send::CLAN_ID, Value::Varint(value)) => scalar(message::CLAN_ID, value, &mut out),
            (send::CHANNEL_ID, Value::Varint(value)) => scalar(message::CHANNEL_ID, value, &mut out),
            (send::MODE, Value::Varint(value)) => scalar(message::MODE, value, &mut out),
            (send::IS_PUBLIC, Value::Varint(value)) => scalar(message::IS_PUBLIC, value, &mut out),
            (send::TOPIC_ID, Value::Varint(value)) => scalar(message::TOPIC_ID, value, &mut out),
            (send::CONTENT, Value::Bytes(text)) => bytes(message::CONTENT, text, &mut out),
            (send::MENTIONS, Value::Bytes(item)) => {
                bytes(message_mention_list::MENTIONS, item, &mut lists[0])
            }
            (send::ATTACHMENTS, Value::Bytes(item)) => {
                bytes(message_attachment_list::ATTACHMENTS, item, &mut lists[1]);
            }
            (send::REFERENCES, Value::Bytes(item)) => bytes(message_ref_list::REFS, item, &mut lists[2]),
            _ => {}
        }
    }
    for (number, list) in
        [message::MENTIONS, message::ATTACHMENTS, message::REFERENCES].into_iter().zip(&lists)
    {
        if !list.is_empty() {
            bytes(number, list, &mut out);
        }
    }
    scalar(message::SENDER_ID, sender as u64, &mut out);
    let mut named = false;
    let mut fields = Fields::new(answer);
    while let Some((number, value)) = fields.read()? {
        match (number, value) {
            (ack::MESSAGE_ID, Value::Varint(value)) => {
                named = value != 0;
                scalar(message::MESSAGE_ID, value, &mut out);
            }
            (ack::CODE, Value::Varint(value)) => scalar(message::CODE, value, &mut out),
            (ack::CREATE_TIME_SECONDS, Value::Varint(value)) => {
                scalar(message::CREATE_TIME_SECONDS, value, &mut out);
            }
            (ack::UPDATE_TIME_SECONDS, Value::Varint(value)) => {
                scalar(message::UPDATE_TIME_SECONDS, value, &mut out);
            }
            (ack::USERNAME, Value::Bytes(text)) => bytes(message::USERNAME, text, &mut out),
            _ => {}
        }
    }
    Ok(named.then_some(out))
}

fn scalar(number: u32, value: u64, out: &mut Vec<u8>) {
    varint::write(u64::from(number) << 3, out);
    varint::write(value, out);
}

fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    varint::write(u64::from(number) << 3 | 2, out);
    varint::write(value.len() as u64, out);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::{api, realtime};
    use proptest::prelude::*;
    use prost::Message as _;

    proptest! {
        #[test]
        fn says_what_was_sent_and_what_the_answer_adds(
            ids in any::<[i64; 4]>(), text in ".{0,40}", users in prop::collection::vec(any::<i64>(), 0..4),
            code: i32, mode: i32, public: bool, times: [u32; 2], name in ".{0,10}",
        ) {
            let mentions: Vec<_> =
                users.iter().map(|id| api::MessageMention { user_id: *id, ..Default::default() }).collect();
            let references = vec![api::MessageRef { message_ref_id: ids[3], ..Default::default() }];
            let send = realtime::ChannelMessageSend {
                clan_id: ids[0], channel_id: ids[1], content: text.clone(), mentions: mentions.clone(),
                references: references.clone(), mode, is_public: public, topic_id: ids[3], ..Default::default()
            };
            let answer = realtime::ChannelMessageAck {
                channel_id: ids[1], message_id: ids[2], code, username: name.clone(),
                create_time_seconds: times[0], update_time_seconds: times[1], ..Default::default()
            };
            let made = sent_message(7, &send.encode_to_vec(), &answer.encode_to_vec()).expect("both are messages");
            let Some(made) = made else {
                prop_assert_eq!(ids[2], 0);
                return Ok(());
            };
            let list = |encoded: Vec<u8>| -> bytes::Bytes { encoded.into() };
            let expected = api::ChannelMessage {
                clan_id: ids[0], channel_id: ids[1], message_id: ids[2], sender_id: 7, content: text, username: name,
                mentions: list(api::MessageMentionList { mentions }.encode_to_vec()),
                references: list(api::MessageRefList { refs: references }.encode_to_vec()),
                create_time_seconds: times[0], update_time_seconds: times[1], mode, is_public: public, code,
                topic_id: ids[3], ..Default::default()
            };
            prop_assert_eq!(api::ChannelMessage::decode(&made[..]).expect("it is one"), expected);
        }

        #[test]
        fn never_panics(sent: Vec<u8>, answer: Vec<u8>) {
            if let Ok(Some(made)) = sent_message(1, &sent, &answer) {
                prop_assert!(crate::wire::Header::parse(&made).is_ok());
            }
        }
    }
}
