//! The joins a new connection makes again before calls may go, and what is still open of them.

use bytes::Bytes;
use tokio::time::Instant;

use super::call::{Call, INTERNAL};
use super::joined::Joined;

#[derive(Debug)]
pub struct Rejoin {
    /// Joins still to be sent, the next one last: tag, body, and how often the server has asked for patience.
    left: Vec<(u32, Bytes, u32)>,
    /// Joins sent and not answered.
    open: usize,
    /// When the connection is ready without the rest.
    pub until: Instant,
    /// The server wants none before.
    held_until: Option<Instant>,
    /// The last one sent was a join.
    was_join: bool,
}

impl Rejoin {
    pub fn new(joined: &Joined, until: Instant) -> Self {
        let left = joined.calls().into_iter().rev().map(|(tag, body)| (tag, body, 0)).collect();
        Self { left, open: 0, until, held_until: None, was_join: false }
    }

    pub fn done(&self) -> bool {
        self.left.is_empty() && self.open == 0
    }

    /// One that was sent is over.
    pub fn over(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// The server wants this one, and those after it, later.
    pub fn put_back(&mut self, tag: u32, body: Bytes, refused: u32, until: Instant) {
        self.over();
        self.left.push((tag, body, refused));
        self.held_until = Some(until);
    }

    /// When the next join may be sent, if there is one. Those of places left meanwhile are dropped.
    pub fn due(&mut self, joined: &Joined, now: Instant) -> Option<Instant> {
        while let Some((tag, body, _)) = self.left.last()
            && !joined.holds(*tag, body)
        {
            self.left.pop();
        }
        self.held_until = self.held_until.filter(|until| *until > now);
        self.left.last().map(|_| self.held_until.unwrap_or(now))
    }

    /// Is it a join's turn? Before the connection is ready always; then joins and calls take turns.
    pub fn turn(&mut self, ready: bool, has_join: bool, has_call: bool) -> bool {
        self.was_join = has_join && (!ready || !has_call || !self.was_join);
        self.was_join
    }

    pub fn pop(&mut self, deadline: Instant) -> Option<Call> {
        let (tag, body, refused) = self.left.pop()?;
        self.open += 1;
        Some(Call { id: INTERNAL, tag, body, deadline, refused })
    }
}
