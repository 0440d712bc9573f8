//! The flight recorder sees every frame of every connection, in order.

use std::sync::Arc;

use super::super::{Options, State};
use super::bot::{Bot, SEC, quick};
use crate::recorder::{Bounds, Kind, Recorder};
use crate::wire::tags::envelope as tags;
use crate::wire::{Chunk, peek};

#[tokio::test(start_paused = true)]
async fn frames_of_both_directions_are_recorded_across_a_reconnect() {
    let recorder = Arc::new(Recorder::new(Bounds { bytes: 1 << 20, age: 600 * SEC }));
    let (mut bot, link) = Bot::ready(Options { recorder: Some(recorder.clone()), ..quick() }).await;
    link.typing(5);
    bot.send(30 * SEC);
    link.raw(vec![0x08, 0x80]);
    link.raw(Chunk { cid: 900, code: 3, last: true }.frame(b"payload"));
    bot.settle().await;
    link.cut("the network is gone");
    bot.until(State::Backoff).await;
    bot.serve_until(State::Ready).await;

    let (records, dropped) = recorder.records();
    assert_eq!(dropped, 0);
    let tags_of = |kind: Kind| -> Vec<u32> {
        let of_kind = records.iter().filter(|record| record.kind == kind);
        of_kind.map(|record| peek(&record.body).map_or(0, |seen| seen.tag)).collect()
    };
    let received = tags_of(Kind::Received);
    assert!(received.contains(&tags::MESSAGE_TYPING_EVENT), "{received:?}");
    assert!(received.contains(&tags::CHANNEL_MESSAGE_ACK), "{received:?}");
    assert!(received.contains(&0), "a malformed envelope is recorded as it came: {received:?}");
    let sent = tags_of(Kind::Sent);
    assert!(sent.contains(&tags::PING) && sent.contains(&tags::CHANNEL_MESSAGE_SEND), "{sent:?}");
    let chunk = records.iter().find(|record| record.kind == Kind::Chunk).expect("the chunk");
    assert_eq!(Chunk::parse(&chunk.body), Ok(Chunk { cid: 900, code: 3, last: true }));
    let opened = records.iter().filter(|record| record.kind == Kind::Opened);
    assert_eq!(opened.map(|record| &*record.body).collect::<Vec<_>>(), [b"websocket", b"websocket"]);
    let lost = records.iter().find(|record| record.kind == Kind::Lost).expect("the loss");
    assert_eq!(&*lost.body, b"the network is gone");
    bot.finish().await;
}
