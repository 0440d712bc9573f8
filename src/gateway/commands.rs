//! What the handle commands, and what becomes of it between the connection's own steps.

use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::calls::Calls;
use super::calls::outbox::Call;
use crate::item::CallId;

/// Why the handle could not take an order.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no connection, and none is being made.
    NotConnected,
    /// There is one already.
    Connected,
    /// So many calls wait already.
    TooManyPending(usize),
    /// The process was forked: what there is belongs to its parent.
    Forked,
    /// The system grants no thread, or no descriptor.
    NoResources(String),
}

/// What the handle tells the task.
#[derive(Debug)]
pub(crate) enum Command {
    Call(Call),
    Cancel(CallId),
    /// A session for the reconnect of that generation: where to connect to, in order.
    Session {
        generation: u64,
        urls: Vec<String>,
    },
    /// There is no session. `fatal` ends the attempts.
    Refused {
        generation: u64,
        fatal: bool,
        reason: String,
    },
    /// Measure the round trip now.
    Ping,
    /// Lose the connection on purpose, or reconnect_now a reconnect that waits.
    Reconnect,
    /// End the connection for good.
    Close,
}

/// Python's answer when it was asked for a new session.
pub(super) enum Renewal {
    Granted(Vec<String>),
    Refused { fatal: bool, reason: String },
}

/// The handle asked for the end.
pub(super) struct Closing;

/// So many calls are held at most: nobody waits for more than the encoding of so many others.
pub(super) const MAX_HELD: usize = 16;

/// The handle's end. To queue an order wakes the I/O thread; calls made in one go may share that.
#[derive(Default)]
pub(super) struct CommandSender {
    sender: Option<mpsc::UnboundedSender<Command>>,
    /// Calls that go with the next order.
    held: Vec<Call>,
    /// Calls whose task ended before they went.
    pub lost: Vec<Call>,
}

impl CommandSender {
    /// A new line for a new task.
    pub fn open(&mut self) -> mpsc::UnboundedReceiver<Command> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.flush();
        self.sender = Some(sender);
        receiver
    }

    pub fn is_open(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Queues an order, behind the calls that are held.
    pub fn send(&mut self, command: Command) -> Result<(), Denied> {
        self.flush();
        let sender = self.sender.as_ref().ok_or(Denied::NotConnected)?;
        sender.send(command).map_err(|_| Denied::NotConnected)
    }

    /// Queues a call with the next order, or with the last one there is room for.
    pub fn hold(&mut self, call: Call) -> Result<(), Denied> {
        if !self.is_open() {
            return Err(Denied::NotConnected);
        }
        self.held.push(call);
        if self.held.len() >= MAX_HELD {
            self.flush();
        }
        Ok(())
    }

    /// Queues what is held.
    pub fn flush(&mut self) {
        for call in self.held.drain(..) {
            let unsent = match &self.sender {
                Some(sender) => sender.send(Command::Call(call)).err().map(|unsent| unsent.0),
                None => Some(Command::Call(call)),
            };
            if let Some(Command::Call(call)) = unsent {
                self.lost.push(call);
            }
        }
    }
}

pub(super) struct CommandQueue {
    commands: mpsc::UnboundedReceiver<Command>,
    /// For which reconnect a session is awaited.
    pub generation: u64,
    pub renewal: Option<Renewal>,
    /// The next attempt is to come without a wait.
    pub reconnect_now: bool,
}

impl CommandQueue {
    pub fn new(commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { commands, generation: 0, renewal: None, reconnect_now: false }
    }

    /// The next order; an end when there will be none.
    pub async fn next(&mut self) -> Result<Command, Closing> {
        self.commands.recv().await.ok_or(Closing)
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Command, Closing>> {
        self.commands.poll_recv(cx).map(|command| command.ok_or(Closing))
    }

    /// Obeys an order that needs no open connection.
    pub fn apply(&mut self, command: Command, calls: &mut Calls) -> Result<(), Closing> {
        match command {
            Command::Call(call) => calls.outbox.push(call),
            Command::Cancel(id) => calls.cancel(id),
            Command::Session { generation, urls } if generation == self.generation => {
                self.renewal = Some(Renewal::Granted(urls));
            }
            Command::Refused { generation, fatal, reason } if generation == self.generation => {
                self.renewal = Some(Renewal::Refused { fatal, reason });
            }
            // An older generation's answer; and what only an open connection can do.
            Command::Session { .. } | Command::Refused { .. } | Command::Ping => {}
            // There is nothing to lose: an attempt under way is what was ordered, or the next one, which comes now.
            Command::Reconnect => self.reconnect_now = true,
            Command::Close => return Err(Closing),
        }
        Ok(())
    }

    /// Takes no more orders; the calls among those that came in time go into the outbox.
    pub async fn end(&mut self, calls: &mut Calls) {
        self.commands.close();
        // Unlike `try_recv` this waits for an order that is being queued right now.
        while let Some(command) = self.commands.recv().await {
            if let Command::Call(call) = command {
                calls.outbox.push(call);
            }
        }
    }
}
