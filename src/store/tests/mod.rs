//! The whole store on real files.

mod bounds;
mod forgetting;
mod model;
mod place;
mod reading;
mod sharing;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message as _;
use rusqlite::Connection;

use super::*;
use crate::wire::Body;
use crate::wire::proto::api::ChannelMessage;

const SOON: Duration = Duration::from_secs(30);

fn message(channel: i64, id: i64, text: &str) -> ChannelMessage {
    ChannelMessage {
        clan_id: 1,
        channel_id: channel,
        message_id: id,
        sender_id: 7,
        content: serde_json::json!({ "t": text }).to_string(),
        create_time_seconds: u32::try_from(id.rem_euclid(1 << 30)).expect("fits"),
        ..ChannelMessage::default()
    }
}

fn encoded(message: &ChannelMessage) -> Body {
    message.encode_to_vec().into()
}

fn small(path: &Path) -> Options {
    Options { memory_messages_per_channel: 0, ..Options::at(path) }
}

fn content(found: Option<CachedMessage>) -> Option<String> {
    found.map(|found| match found {
        CachedMessage::Row(row) => row.content.clone().expect("the column is written"),
        CachedMessage::Payload(body) => {
            ChannelMessage::decode(&body[..]).expect("it was encoded here").content
        }
    })
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn open_with_troubles(mut options: Options) -> (Store, Arc<Mutex<Vec<Trouble>>>) {
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&troubles);
    options.on_trouble = Some(Box::new(move |trouble| seen.lock().expect("whole").push(trouble.clone())));
    (Store::open(options), troubles)
}

fn kinds(troubles: &Mutex<Vec<Trouble>>) -> Vec<TroubleKind> {
    troubles.lock().expect("whole").iter().map(|trouble| trouble.kind).collect()
}

fn integrity(path: &Path) -> String {
    let connection = Connection::open(path).expect("opens");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks")
}
