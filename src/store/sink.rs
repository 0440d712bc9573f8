//! The store as the connection sees it.

use super::Store;
use super::queue::Op;
use crate::item::MessageSink;
use crate::wire::{Body, Header};

impl MessageSink for Store {
    fn accept(&self, header: Header, body: Body) {
        self.shared().push(Op::Payload(header, body), false);
    }

    fn accept_sent(&self, header: Header, body: Body) {
        self.shared().push(Op::Sent(header, body), false);
    }

    fn backlog(&self) -> usize {
        self.backlog().bytes
    }
}
