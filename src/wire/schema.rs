//! The schemas as static tables, for the plan-driven codec and the tags of the envelope.

use super::{Fields, UNKNOWN_FIELDS};

/// A message of the schema; its fields are in ascending order of their numbers.
#[derive(Debug)]
pub struct Message {
    /// The full name without the leading dot, `mezon.api.ChannelMessage`.
    pub name: &'static str,
    pub fields: &'static [Field],
}

#[derive(Debug)]
pub struct Field {
    pub number: u32,
    pub name: &'static str,
    pub kind: Kind,
    pub repeated: bool,
    /// Whether a repeated scalar is written as one length-delimited run.
    pub packed: bool,
    pub oneof: bool,
}

/// The type of a field, named as in the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // one variant for each type protobuf has, whether or not this schema uses it
pub enum Kind {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Bytes,
    Uint32,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    Enum(&'static str),
    Message(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/schema_tables.rs"));

/// Return the message with this full name.
pub fn message(name: &str) -> Option<&'static Message> {
    MESSAGES.binary_search_by(|m| m.name.cmp(name)).ok().map(|at| &MESSAGES[at])
}

/// Return the envelope: the fields of its `oneof message` are the events and calls of the socket.
pub fn envelope() -> &'static Message {
    message("mezon.realtime.Envelope").expect("the schema has an Envelope")
}

impl Message {
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        self.fields.binary_search_by_key(&number, |f| f.number).ok().map(|at| &self.fields[at])
    }

    /// Note a field unless this message has it (`UNKNOWN_FIELDS`).
    pub fn note_unknown(&self, number: u32) {
        if self.field(number).is_none() {
            UNKNOWN_FIELDS.note(self.name, number);
        }
    }

    /// Note the unknown fields of an encoded message, without those of messages inside it.
    pub fn note_unknown_fields(&self, body: &[u8]) {
        let mut fields = Fields::new(body);
        while let Ok(Some((number, _))) = fields.read() {
            self.note_unknown(number);
        }
    }

    pub fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}
