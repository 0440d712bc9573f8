//! Compiles the two schemas: Rust types with prost, a table of every message's fields for the plan-driven codec,
//! and the field numbers that the core uses by name.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};

const SCHEMAS: [&str; 2] = ["mezon/protobuf/api/api.proto", "mezon/protobuf/rtapi/realtime.proto"];

/// The messages whose field numbers become constants, each in its own module.
const NUMBERED: [&str; 11] = [
    "Envelope",
    "Error",
    "ChannelMessage",
    "ChannelMessageSend",
    "ChannelMessageAck",
    "MessageMentionList",
    "MessageAttachmentList",
    "MessageRefList",
    "ClanJoin",
    "ChannelJoin",
    "ChannelLeave",
];

fn main() {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let files = protox::compile(SCHEMAS, ["proto"]).expect("the schemas in proto/ compile");
    write_tables(&files, &out.join("schema_tables.rs"));
    write_numbers(&files, &out.join("field_numbers.rs"));
    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    config.compile_fds(files).expect("prost generates code for the schemas");
}

/// Write a sorted static slice of messages, each with its fields in ascending order of their numbers.
fn write_tables(files: &FileDescriptorSet, path: &Path) {
    let mut messages = Vec::new();
    for file in &files.file {
        for message in &file.message_type {
            collect(file.package(), message, &mut messages);
        }
    }
    messages.sort();
    let mut text = String::from("pub static MESSAGES: &[Message] = &[\n");
    for (name, fields) in &messages {
        writeln!(text, "Message {{ name: {name:?}, fields: &[{fields}] }},")
            .expect("a String takes any text");
    }
    text.push_str("];\n");
    std::fs::write(path, text).expect("OUT_DIR is writable");
}

/// Write `pub mod channel_message { pub const CHANNEL_ID: u32 = 2; ... }` for each of `NUMBERED`.
fn write_numbers(files: &FileDescriptorSet, path: &Path) {
    let mut text = String::new();
    for name in NUMBERED {
        let mut found = files.file.iter().flat_map(|file| &file.message_type).filter(|m| m.name() == name);
        let message = found.next().unwrap_or_else(|| panic!("the schemas have no message {name}"));
        assert!(found.next().is_none(), "two messages are called {name}");
        writeln!(text, "pub mod {} {{", snake(name)).expect("a String takes any text");
        for field in &message.field {
            let (constant, number) = (field.name().to_uppercase(), field.number());
            writeln!(text, "    pub const {constant}: u32 = {number};").expect("a String takes any text");
        }
        text.push_str("}\n");
    }
    std::fs::write(path, text).expect("OUT_DIR is writable");
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

fn collect(scope: &str, message: &DescriptorProto, into: &mut Vec<(String, String)>) {
    let name = format!("{scope}.{}", message.name());
    let mut fields = message.field.clone();
    fields.sort_by_key(|field| field.number());
    let mut text = String::new();
    for field in &fields {
        let kind = match field.r#type() {
            Type::Message => format!("Kind::Message({:?})", field.type_name().trim_start_matches('.')),
            Type::Enum => format!("Kind::Enum({:?})", field.type_name().trim_start_matches('.')),
            other => format!("Kind::{other:?}"),
        };
        let repeated = field.label() == Label::Repeated;
        // proto3 packs scalar lists by default.
        let packed = repeated
            && !matches!(field.r#type(), Type::Message | Type::String | Type::Bytes | Type::Group)
            && field.options.as_ref().and_then(|o| o.packed) != Some(false);
        let (number, name) = (field.number(), field.name());
        let oneof = field.oneof_index.is_some();
        write!(
            text,
            "Field {{ number: {number}, name: {name:?}, kind: {kind}, repeated: {repeated}, packed: {packed}, oneof: {oneof} }},"
        )
        .expect("a String takes any text");
    }
    into.push((name.clone(), text));
    for nested in &message.nested_type {
        collect(&name, nested, into);
    }
}
