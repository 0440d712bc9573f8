//! The store as the connection sees it.

use bytes::Bytes;

use super::Store;
use super::queue::Op;
use crate::gateway::Sink;
use crate::wire::Header;

impl Sink for Store {
    fn accept(&self, header: Header, body: Bytes) {
        self.shared().push_untold(Op::Payload(header, body));
    }

    fn accept_sent(&self, header: Header, body: Bytes) {
        self.shared().push_untold(Op::Sent(header, body));
    }

    fn taken(&self) {
        self.shared().tell_writer();
    }

    fn backlog(&self) -> usize {
        self.backlog().bytes
    }
}
