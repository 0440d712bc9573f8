//! A row of the table as text, as it is stored in the file.

use super::json;
use crate::wire::Header;

/// The columns of `messages`. `references` is the column `msg_references`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub channel_id: String,
    pub clan_id: Option<String>,
    pub sender_id: Option<String>,
    /// A JSON object.
    pub content: Option<String>,
    /// JSON lists.
    pub mentions: Option<String>,
    pub attachments: Option<String>,
    pub reactions: Option<String>,
    pub references: Option<String>,
    pub topic_id: Option<String>,
    pub create_time_seconds: Option<i64>,
}

impl Row {
    /// Return the row of a payload.
    pub fn of_payload(header: &Header, body: &[u8]) -> Row {
        Row {
            id: header.id.to_string(),
            channel_id: header.channel.to_string(),
            clan_id: Some(header.clan.to_string()),
            sender_id: Some(header.sender.to_string()),
            content: Some(json::content(header.content.of(body)).to_owned()),
            mentions: Some(json::mentions(header.mentions.of(body)).into_owned()),
            attachments: Some(json::attachments(header.attachments.of(body)).into_owned()),
            reactions: Some(json::reactions(header.reactions.of(body)).into_owned()),
            references: Some(json::references(header.references.of(body)).into_owned()),
            topic_id: Some(header.topic.to_string()),
            create_time_seconds: Some(i64::from(header.created)),
        }
    }

    /// Return the sort key of lists: newest first, then the greater id.
    pub fn order_key(&self) -> (i64, &str) {
        (self.create_time_seconds.unwrap_or(i64::MIN), &self.id)
    }

    /// Return the approximate size of the row in memory, in bytes.
    pub fn weight(&self) -> usize {
        let text = |column: &Option<String>| column.as_ref().map_or(0, String::len);
        std::mem::size_of::<Row>()
            + self.id.len()
            + self.channel_id.len()
            + text(&self.clan_id)
            + text(&self.sender_id)
            + text(&self.content)
            + text(&self.mentions)
            + text(&self.attachments)
            + text(&self.reactions)
            + text(&self.references)
    }
}
