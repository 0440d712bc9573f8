//! The connection to the gateway: one task on the I/O thread, and the handle that talks to it.

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
pub use trace::Trace;
pub use transport::{
    Broken, Cause, Connect, Connecting, Connector, Decoder, Endpoint, Frame, Kind, Lost, Transport, Trust,
};

pub use crate::item::{CallId, Failure, MessageSink};
pub use crate::state::State;

use crate::filter::Filter;
use crate::item::{Item, ItemSink};
use crate::runtime;
use crate::wire::Body;
use calls::outbox::INTERNAL;
use commands::{Command, CommandSender};
use shared::Shared;

/// A connection that can be opened, used, closed and opened again.
pub struct Gateway {
    shared: Arc<Shared>,
    commands: Mutex<CommandSender>,
    last_call: AtomicU64,
    /// Where it was made: its wake-up and its connection stay with that process.
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

    /// Has events of a tag looked at by a filter, or by none, from now on.
    pub fn set_filter(&self, tag: u32, filter: Option<Filter>) {
        self.shared.filters().set(tag, filter);
    }

    pub fn trace(&self) -> &Trace {
        &self.shared.trace
    }

    /// Opens the connection. Its progress comes through the inbox. The URLs are tried in order; each names its transport:
    /// `wss`, `ws`, `tcps`, `tcp`.
    ///
    /// # Errors
    /// [`Denied::Connected`] while there is one, [`Denied::Forked`] in a forked child, [`Denied::NoResources`] when the I/O
    /// thread cannot start.
    pub fn connect(&self, urls: Vec<String>, auto_reconnect: bool) -> Result<(), Denied> {
        self.not_forked()?;
        let runtime = runtime::handle().map_err(|why| Denied::NoResources(why.to_string()))?;
        self.connect_on(&runtime, urls, auto_reconnect)
    }

    /// # Errors
    /// [`Denied::Forked`] in a process that was forked since: it shares the parent's descriptors, and must touch none.
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
        // A task that takes no more orders still has calls to fail and its end to tell.
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

    /// Sends a message in the envelope field `tag`. The answer or the failure comes through the inbox, once.
    ///
    /// # Errors
    /// When it cannot even be queued.
    pub fn call(&self, tag: u32, body: Bytes, timeout: Duration) -> Result<CallId, Denied> {
        self.queue(tag, body, timeout, |sender, call| sender.send(Command::Call(call)))
    }

    /// As [`Self::call`], but the I/O thread need not be woken for this one alone: it goes with the next order, with
    /// [`Self::flush`], or when [`commands::MAX_HELD`] wait.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_held(&self, tag: u32, body: Bytes, timeout: Duration) -> Result<CallId, Denied> {
        self.queue(tag, body, timeout, CommandSender::hold)
    }

    /// Has the calls sent that were held.
    pub fn flush(&self) {
        // In a forked child they are the parent's.
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

    /// Nobody waits for this call any more. One that was not sent yet will not be.
    pub fn cancel(&self, id: CallId) {
        if id != INTERNAL {
            // A connection that is gone has failed the call already.
            let _ = self.order(Command::Cancel(id));
        }
    }

    /// Lets calls go out for so long from now on, and no longer: those that wait then wait for the next lease.
    pub fn renew_lease(&self, left: Duration) {
        self.shared.lease.renew(left);
    }

    /// Answers [`crate::item::Item::SessionWanted`].
    pub fn provide_session(&self, generation: u64, urls: Vec<String>) {
        let _ = self.order(Command::Session { generation, urls });
    }

    /// Answers [`crate::item::Item::SessionWanted`]: not now, or never when `fatal`.
    pub fn refuse_session(&self, generation: u64, fatal: bool, reason: String) {
        let _ = self.order(Command::Refused { generation, fatal, reason });
    }

    /// Ends the connection for good; a state item with [`State::Closed`] says when. False when there is none.
    pub fn close(&self) -> bool {
        self.order(Command::Close).is_ok()
    }

    /// Makes a new connection, without a wait before its first attempt: gives up the one there is, or cuts the wait for
    /// the next attempt short. An attempt under way goes on. A connection without `auto_reconnect`, or never ready
    /// yet, ends by this.
    ///
    /// False when there is none, and none is being made.
    pub fn reconnect(&self) -> bool {
        self.order(Command::Reconnect).is_ok()
    }

    /// Measures the round trip now. False when there is no connection, and none is being made.
    pub fn ping(&self) -> bool {
        self.order(Command::Ping).is_ok()
    }

    /// The encoded messages of a channel that came since it was last asked, oldest first.
    pub fn take_recent(&self, channel: i64) -> impl Iterator<Item = Body> {
        let taken = self.shared.recent().take(channel);
        taken.into_iter().map(|(_, body)| body)
    }

    /// Whose messages the acknowledgements are of. From then on what the bot sends is kept like what it receives, before
    /// the server's own copy comes.
    pub fn set_own_id(&self, id: i64) {
        self.shared.own_id.store(id, Relaxed);
    }

    fn order(&self, command: Command) -> Result<(), Denied> {
        self.with_sender(|sender| sender.send(command))?
    }

    fn with_sender<T>(&self, work: impl FnOnce(&mut CommandSender) -> T) -> Result<T, Denied> {
        // To queue an order wakes the I/O thread through a descriptor, which in a forked child is the parent's.
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
            // The end of a channel is an order too: it wakes the task, which is the parent's.
            std::mem::forget(std::mem::take(&mut *commands));
        }
    }
}
