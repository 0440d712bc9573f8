//! Parses the JSON form of a filter, which python/mezon/filters/_program.py produces.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::Filter;
use super::text::Words;
use super::view::{self, ListField, Path};
use crate::wire::schema::{self, Kind, Message};

/// The maximum nesting of filters.
const DEPTH: u32 = 64;

/// Parse the filter of an event, given by its envelope field.
///
/// # Errors
/// A message that says why the filter is invalid.
pub fn parse(event: &str, spec: &str) -> Result<Filter, String> {
    let message = message_of(event).ok_or_else(|| format!("there is no event {event:?}"))?;
    let spec: Json = serde_json::from_str(spec).map_err(|why| why.to_string())?;
    node(message, &spec, DEPTH)
}

fn message_of(event: &str) -> Option<&'static Message> {
    let field = schema::envelope().fields.iter().find(|field| field.oneof && field.name == event)?;
    match field.kind {
        Kind::Message(name) => schema::message(name),
        _ => None,
    }
}

fn node(message: &'static Message, spec: &Json, depth: u32) -> Result<Filter, String> {
    let depth = depth.checked_sub(1).ok_or("filters are nested too deeply")?;
    let spec = spec.as_object().ok_or("a filter must be an object")?;
    let all = |key: &str| -> Option<Result<Vec<Filter>, String>> {
        let parts = spec.get(key)?.as_array()?;
        Some(parts.iter().map(|part| node(message, part, depth)).collect())
    };
    if let Some(parts) = all("and") {
        return Ok(Filter::And(parts?));
    }
    if let Some(parts) = all("or") {
        return Ok(Filter::Or(parts?));
    }
    if let Some(part) = spec.get("not") {
        return Ok(Filter::Not(Box::new(node(message, part, depth)?)));
    }
    if let Some(path) = spec.get("ids") {
        return Ok(Filter::Ids(path_of(message, &strings(path)?)?, ids(spec)?));
    }
    if let Some(name) = spec.get("str").and_then(Json::as_str) {
        let field = message.field_named(name).filter(|field| field.kind == Kind::String && !field.repeated);
        let field = field.ok_or_else(|| missing(message, name))?;
        let texts = strings(spec.get("in").unwrap_or(&Json::Null))?;
        return Ok(Filter::Strings(field.number, texts.into_iter().collect()));
    }
    if !view::has_content(message.name) {
        return Err(format!("{} has no content to filter by", message.name));
    }
    if let Some(how) = spec.get("text").and_then(Json::as_str) {
        let words = strings(spec.get("words").unwrap_or(&Json::Null))?;
        let fold = spec.get("fold").and_then(Json::as_bool).unwrap_or(false);
        return Ok(Filter::Text(Words::new(how, words, fold)?));
    }
    if let Some(key) = spec.get("key").and_then(Json::as_str) {
        return Ok(Filter::Key(key.into()));
    }
    if let Some(name) = spec.get("list").and_then(Json::as_str) {
        return list(name, spec);
    }
    Err("no such filter".into())
}

fn list(name: &str, spec: &Map<String, Json>) -> Result<Filter, String> {
    let list = match name {
        "mentions" => ListField::Mentions,
        "attachments" => ListField::Attachments,
        "references" => ListField::References,
        _ => return Err(format!("there is no list {name:?}")),
    };
    let item = match spec.get("field").and_then(Json::as_str) {
        Some(field) => {
            let number = view::number_of(list, field).ok_or_else(|| format!("no item has {field:?}"))?;
            Some((number, ids(spec)?))
        }
        None => None,
    };
    Ok(Filter::List(list, item))
}

fn path_of(message: &'static Message, names: &[String]) -> Result<Path, String> {
    let (mut message, mut path) = (message, Path::new());
    for (at, name) in names.iter().enumerate() {
        let field = message.field_named(name).ok_or_else(|| missing(message, name))?;
        path.push((field.number, field.repeated));
        match field.kind {
            Kind::Message(inner) if at + 1 < names.len() => {
                message = schema::message(inner).ok_or_else(|| missing(message, name))?;
            }
            Kind::Int64 | Kind::Int32 | Kind::Enum(_) if at + 1 == names.len() => {}
            _ => return Err(missing(message, name)),
        }
    }
    if path.is_empty() { Err("a path must not be empty".into()) } else { Ok(path) }
}

fn missing(message: &Message, name: &str) -> String {
    format!("{} has no {name:?} to filter by", message.name)
}

fn strings(value: &Json) -> Result<Vec<String>, String> {
    let list = value.as_array().filter(|list| !list.is_empty()).ok_or("a filter needs at least one value")?;
    list.iter()
        .map(|one| one.as_str().map(str::to_owned).ok_or_else(|| "each value must be a string".into()))
        .collect()
}

fn ids(spec: &Map<String, Json>) -> Result<HashSet<i64>, String> {
    let list = spec.get("in").and_then(Json::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or("a filter needs at least one value")?;
    list.iter().map(|one| one.as_i64().ok_or_else(|| format!("{one} is not an id"))).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_an_event_has_not_is_refused() {
        for (event, spec) in [
            ("channel_message", r#"{"ids":["no_such"],"in":[1]}"#),
            ("channel_message", r#"{"ids":["content"],"in":[1]}"#),
            ("channel_message", r#"{"ids":["sender_id"],"in":[]}"#),
            ("channel_message", r#"{"ids":["sender_id"],"in":["x"]}"#),
            ("channel_message", r#"{"text":"regex","words":["("]}"#),
            ("channel_message", r#"{"text":"regex","words":["(?:a{1000}){1000}"]}"#),
            ("channel_message", r#"{"text":"sounds_like","words":["x"]}"#),
            ("channel_message", "{}"),
            ("channel_message", "["),
            ("message_typing_event", r#"{"text":"prefix","words":["x"]}"#),
            ("no_such_event", r#"{"ids":["sender_id"],"in":[1]}"#),
        ] {
            assert!(parse(event, spec).is_err(), "{event} {spec}");
        }
        let deep = format!("{}{}{}", r#"{"not":"#.repeat(100), "{}", "}".repeat(100));
        assert!(parse("channel_message", &deep).unwrap_err().contains("deeply"));
    }

    #[test]
    fn paths_go_into_messages_and_lists() {
        for (event, spec) in [
            ("user_channel_added_event", r#"{"ids":["users","user_id"],"in":[1]}"#),
            ("user_channel_added_event", r#"{"ids":["channel_desc","channel_id"],"in":[1]}"#),
            ("user_clan_removed_event", r#"{"ids":["user_ids"],"in":[1]}"#),
            ("message_reaction_event", r#"{"str":"emoji","in":["ok"]}"#),
        ] {
            assert!(parse(event, spec).is_ok(), "{event} {spec}");
        }
    }
}
