//! The commands from the handle to the task of the connection, and their effect outside an open connection.

use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::calls::Calls;
use super::calls::outbox::Call;
use crate::item::CallId;

/// Why the handle rejected a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no connection, and none is being established.
    NotConnected,
    /// There is a connection already.
    Connected,
    /// The maximum number of pending calls is reached.
    TooManyPending(usize),
    /// The process was forked: the connection belongs to the parent.
    Forked,
    /// The system provides no thread or no descriptor.
    NoResources(String),
}

/// A command from the handle to the task.
#[derive(Debug)]
pub(crate) enum Command {
    Call(Call),
    Cancel(CallId),
    /// The session for the reconnect of this generation: the URLs in the order to try them.
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
    /// Drop the connection, or skip the delay before the next attempt.
    Reconnect,
    /// Close the connection for good.
    Close,
}

/// Python's answer to a request for a session.
pub(super) enum Renewal {
    Granted(Vec<String>),
    Refused { fatal: bool, reason: String },
}

/// The handle has requested the close.
pub(super) struct Closing;

/// The maximum number of held calls. It bounds the delay of a call by the encoding of the calls after it.
pub(super) const MAX_HELD: usize = 16;

/// The handle's end of the queue. Queueing a command wakes the I/O thread; calls made in one go may share that
/// wake-up.
#[derive(Default)]
pub(super) struct CommandSender {
    sender: Option<mpsc::UnboundedSender<Command>>,
    /// Calls to be queued with the next command.
    held: Vec<Call>,
    /// Calls whose task ended before they were queued.
    pub lost: Vec<Call>,
}

impl CommandSender {
    /// Open a new queue for a new task.
    pub fn open(&mut self) -> mpsc::UnboundedReceiver<Command> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.flush();
        self.sender = Some(sender);
        receiver
    }

    pub fn is_open(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Queue a command after the held calls.
    pub fn send(&mut self, command: Command) -> Result<(), Denied> {
        self.flush();
        let sender = self.sender.as_ref().ok_or(Denied::NotConnected)?;
        sender.send(command).map_err(|_| Denied::NotConnected)
    }

    /// Hold a call until the next command, or until the maximum is reached.
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

    /// Queue the held calls.
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
    /// The generation of the reconnect that awaits a session.
    pub generation: u64,
    pub renewal: Option<Renewal>,
    /// Skip the delay before the next attempt.
    pub reconnect_now: bool,
}

impl CommandQueue {
    pub fn new(commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { commands, generation: 0, renewal: None, reconnect_now: false }
    }

    /// Return the next command; an error if the handle is gone.
    pub async fn next(&mut self) -> Result<Command, Closing> {
        self.commands.recv().await.ok_or(Closing)
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Command, Closing>> {
        self.commands.poll_recv(cx).map(|command| command.ok_or(Closing))
    }

    /// Apply a command that needs no open connection.
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
            // An answer for an older generation, or a command that only an open connection can carry out.
            Command::Session { .. } | Command::Refused { .. } | Command::Ping => {}
            // There is no connection to drop: the current attempt, or the next one without a delay, is the
            // requested one.
            Command::Reconnect => self.reconnect_now = true,
            Command::Close => return Err(Closing),
        }
        Ok(())
    }

    /// Accept no more commands, and move the calls that were queued in time to the outbox.
    pub async fn end(&mut self, calls: &mut Calls) {
        self.commands.close();
        // Unlike `try_recv`, this waits for a command that is being queued at the moment.
        while let Some(command) = self.commands.recv().await {
            if let Command::Call(call) = command {
                calls.outbox.push(call);
            }
        }
    }
}
