//! The connection to the gateway: a task on the I/O thread, and the handle that controls it.

mod backoff;
mod calls;
mod commands;
mod connection;
mod heartbeat;
mod lease;
mod lifecycle;
mod options;
mod routes;
mod shared;
mod stats;
mod throttle;
mod trace;
mod transitions;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

pub use backoff::BackoffOptions;
pub use calls::outbox::Call;
pub use commands::Denied;
pub use heartbeat::SILENT;
pub use options::Options;
pub use stats::{Stats, TAGS};
pub use trace::{Level, Trace};
pub use transport::{
    Broken, Cause, Connect, Connecting, Connector, Decoder, Endpoint, Frame, Kind, Lost, Transport, Trust,
};

pub use crate::item::{CallId, Failure, MessageSink};
pub use crate::state::State;

use crate::filter::Filter;
use crate::item::{Item, ItemSink};
use crate::runtime;
use crate::wire::Body;
use crate::wire::UNKNOWN_FIELDS;
use calls::outbox::INTERNAL;
use commands::{Command, CommandSender};
use shared::Shared;

/// A connection that can be opened, used, closed and opened again.
pub struct Gateway {
    shared: Arc<Shared>,
    commands: Mutex<CommandSender>,
    last_call: AtomicU64,
    /// The process that created the handle; its waker and its connection belong to that process.
    pid: u32,
}

impl Gateway {
    pub fn new(
        options: Options,
        inbox: Arc<dyn ItemSink>,
        sink: Option<Arc<dyn MessageSink>>,
        connector: Box<dyn Connect>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(options.bounded(), inbox, sink, connector)),
            commands: Mutex::default(),
            last_call: AtomicU64::new(INTERNAL),
            pid: std::process::id(),
        }
    }

    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    pub fn state(&self) -> State {
        self.shared.stats.state()
    }

    /// Set or remove the filter of a tag.
    pub fn set_filter(&self, tag: u32, filter: Option<Filter>) {
        self.shared.filters().set(tag, filter);
    }

    pub fn trace(&self) -> &Trace {
        &self.shared.trace
    }

    /// Let decoders note unknown fields if this connection logs them. Call before events are decoded.
    pub fn note_unknown_fields(&self) {
        UNKNOWN_FIELDS.enable(self.shared.trace.enabled(Level::Debug));
    }

    /// Log the unknown fields that decoders have noted.
    pub fn log_unknown_fields(&self) {
        self.shared.log_unknown_fields();
    }

    /// Open the connection. Its progress is reported through the inbox. The URLs are tried in order; the scheme
    /// names the transport: `wss`, `ws`, `tcps`, `tcp`.
    ///
    /// # Errors
    /// [`Denied::Connected`] if there is a connection, [`Denied::Forked`] in a forked child,
    /// [`Denied::NoResources`] if the I/O thread cannot start.
    pub fn connect(&self, urls: Vec<String>, auto_reconnect: bool) -> Result<(), Denied> {
        self.not_forked()?;
        let runtime = runtime::handle().map_err(|why| Denied::NoResources(why.to_string()))?;
        self.connect_on(&runtime, urls, auto_reconnect)
    }

    /// # Errors
    /// [`Denied::Forked`] in a forked child: it shares the parent's descriptors and must not use them.
    pub fn not_forked(&self) -> Result<(), Denied> {
        if self.pid == std::process::id() { Ok(()) } else { Err(Denied::Forked) }
    }

    pub(crate) fn connect_on(
        &self,
        runtime: &tokio::runtime::Handle,
        urls: Vec<String>,
        auto_reconnect: bool,
    ) -> Result<(), Denied> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        // A task that accepts no more commands may still have calls to fail and its end to report.
        let ended = matches!(self.state(), State::Idle | State::Closed);
        if !ended || commands.is_open() {
            return Err(Denied::Connected);
        }
        let receiver = commands.open();
        self.shared.auto_reconnect.store(auto_reconnect, Relaxed);
        self.shared.stats.set_state(State::Connecting);
        runtime.spawn(lifecycle::Lifecycle::new(self.shared.clone(), receiver).run(urls));
        Ok(())
    }

    /// Send a message in the envelope field `tag`. Exactly one answer or failure is reported through the inbox.
    ///
    /// # Errors
    /// If the call cannot be queued.
    pub fn call(&self, tag: u32, body: Bytes, timeout: Duration) -> Result<CallId, Denied> {
        self.queue(tag, body, timeout, |sender, call| sender.send(Command::Call(call)))
    }

    /// Like [`Self::call`], but without waking the I/O thread: the call is queued with the next command, by
    /// [`Self::flush`], or when [`commands::MAX_HELD`] calls are held.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_held(&self, tag: u32, body: Bytes, timeout: Duration) -> Result<CallId, Denied> {
        self.queue(tag, body, timeout, CommandSender::hold)
    }

    /// Queue the held calls.
    pub fn flush(&self) {
        // In a forked child the held calls belong to the parent.
        let _ = self.with_sender(CommandSender::flush);
    }

    fn queue(
        &self,
        tag: u32,
        body: Bytes,
        timeout: Duration,
        how: impl FnOnce(&mut CommandSender, Call) -> Result<(), Denied>,
    ) -> Result<CallId, Denied> {
        let max = self.shared.options.max_pending;
        self.not_forked()?;
        let pending = &self.shared.stats.pending;
        let more = |count| ((count as usize) < max).then_some(count + 1);
        pending.fetch_update(Relaxed, Relaxed, more).map_err(|_| Denied::TooManyPending(max))?;
        let id = self.last_call.fetch_add(1, Relaxed) + 1;
        let deadline = Instant::now() + timeout.min(options::LONGEST);
        let call = Call { id, tag, body, deadline, refused: 0 };
        let queued = self.with_sender(|sender| how(sender, call)).and_then(|queued| queued);
        queued.inspect_err(|_| {
            pending.fetch_sub(1, Relaxed);
        })?;
        Ok(id)
    }

    /// Discard the answer of a call. A call that was not sent yet will not be sent.
    pub fn cancel(&self, id: CallId) {
        if id != INTERNAL {
            // A connection that is gone has failed the call already.
            let _ = self.send(Command::Cancel(id));
        }
    }

    /// Allow calls to be sent for `left` from now on; afterwards they wait for the next lease.
    pub fn renew_lease(&self, left: Duration) {
        self.shared.lease.renew(left);
    }

    /// Answer [`crate::item::Item::SessionWanted`].
    pub fn provide_session(&self, generation: u64, urls: Vec<String>) {
        let _ = self.send(Command::Session { generation, urls });
    }

    /// Answer [`crate::item::Item::SessionWanted`]: no session now, or never if `fatal`.
    pub fn refuse_session(&self, generation: u64, fatal: bool, reason: String) {
        let _ = self.send(Command::Refused { generation, fatal, reason });
    }

    /// Close the connection for good; a state item with [`State::Closed`] reports the end. Returns false if there
    /// is none.
    pub fn close(&self) -> bool {
        self.send(Command::Close).is_ok()
    }

    /// Establish a new connection without a delay before the first attempt: drop the current one, or skip the
    /// delay before the next attempt. An attempt under way continues. A connection without `auto_reconnect`, or
    /// one that was never ready, ends.
    ///
    /// Returns false if there is no connection and none is being established.
    pub fn reconnect(&self) -> bool {
        self.send(Command::Reconnect).is_ok()
    }

    /// Measure the round trip now. Returns false if there is no connection and none is being established.
    pub fn ping(&self) -> bool {
        self.send(Command::Ping).is_ok()
    }

    /// Remove and return the encoded messages of a channel that arrived since the last call, oldest first.
    pub fn take_recent(&self, channel: i64) -> impl Iterator<Item = Body> {
        let taken = self.shared.recent().take(channel);
        taken.into_iter().map(|(_, body)| body)
    }

    /// Set the bot's id, the sender of acknowledged messages. From then on sent messages are recorded like
    /// received ones, before the server's own copy arrives.
    pub fn set_own_id(&self, id: i64) {
        self.shared.own_id.store(id, Relaxed);
    }

    fn send(&self, command: Command) -> Result<(), Denied> {
        self.with_sender(|sender| sender.send(command))?
    }

    fn with_sender<T>(&self, work: impl FnOnce(&mut CommandSender) -> T) -> Result<T, Denied> {
        // Queueing a command wakes the I/O thread through a descriptor, which in a forked child is the parent's.
        self.not_forked()?;
        let (done, lost) = {
            let mut sender = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            (work(&mut sender), std::mem::take(&mut sender.lost))
        };
        for call in lost {
            self.shared.stats.pending.fetch_sub(1, Relaxed);
            let failure = Failure::Closed(lifecycle::CLOSED.into());
            self.shared.inbox.push(Item::Failed { call: call.id, failure });
        }
        Ok(done)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.not_forked().is_ok() {
            self.close();
        } else if let Ok(mut commands) = self.commands.try_lock() {
            // Dropping the channel would wake the task, which is the parent's.
            std::mem::forget(std::mem::take(&mut *commands));
        }
    }
}
