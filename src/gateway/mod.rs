//! The connection to the gateway: one task on the I/O thread, and the handle that talks to it.

mod backoff;
mod calls;
mod connection;
mod heartbeat;
mod lease;
mod lifecycle;
mod moves;
mod options;
mod orders;
mod routes;
mod secrets;
mod state;
mod stats;
mod trace;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

pub use backoff::BackoffOptions;
pub use calls::call::{Call, CallId, Failure};
pub use heartbeat::SILENT;
pub use options::Options;
pub use state::State;
pub use stats::{Stats, TAGS};
pub use trace::Trace;
pub use transport::{
    Broken, Cause, Connect, Connecting, Connector, Decoder, Endpoint, Frame, Kind, Lost, Transport, Trust,
};

use crate::by_channel::Rings;
use crate::crowd::{Member, PROCESS};
use crate::filter::{Filter, Filters};
use crate::inbox::{Inbox, Item};
use crate::runtime;
use crate::wire::{Body, Header};
use calls::call;
use calls::throttle::Throttle;
use lease::Lease;
use orders::{Command, Line};
use routes::Routes;
use trace::Level;

/// Where received messages go beside the inbox: the store.
pub trait Sink: Send + Sync {
    /// Takes an encoded `mezon.api.ChannelMessage` and what it says at its head. Must neither block nor fail.
    fn accept(&self, header: Header, body: Body);
    /// Takes one the bot has sent: it takes the place of none that is there.
    fn accept_sent(&self, header: Header, body: Body);
    /// Bytes taken and not yet safe.
    fn backlog(&self) -> usize;
}

/// What handle and task share.
pub(crate) struct Shared {
    pub options: Options,
    pub stats: Stats,
    pub inbox: Arc<Inbox>,
    pub sink: Option<Arc<dyn Sink>>,
    pub connector: Box<dyn Connect>,
    pub auto_reconnect: AtomicBool,
    /// The last messages of each channel as they came, until Python asks for them.
    ///
    /// Most bots never look at a message again. Kept as Python objects they would cost every event a cold free and the
    /// garbage collector its time; kept as bytes, which the store holds anyway, they cost next to nothing.
    recent: Mutex<Rings<Body>>,
    /// While it lives, it counts among the clients that share the bounds in bytes.
    _member: Member,
    /// The bot's own id; 0 while it is not known.
    pub own_id: AtomicI64,
    pub trace: Trace,
    /// Which transport worked last.
    pub routes: Routes,
    /// Which events the bot's handlers want, beyond their kind.
    pub filters: Mutex<Filters>,
    /// The frames sent of late: a new connection does not begin anew.
    pub throttle: Mutex<Throttle>,
    /// Until when calls may go out.
    pub lease: Lease,
}

impl Shared {
    pub fn recent(&self) -> MutexGuard<'_, Rings<Body>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the logger of the core something, if it wants to hear it.
    pub fn tell(&self, level: Level, text: impl FnOnce() -> String) {
        self.trace.tell(&self.inbox, level, text);
    }
}

/// A connection that can be opened, used, closed and opened again.
pub struct Gateway {
    shared: Arc<Shared>,
    orders: Mutex<Line>,
    last_call: AtomicU64,
    /// Where it was made: its wake-up and its connection stay with that process.
    pid: u32,
}

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

impl Gateway {
    pub fn new(
        options: Options,
        inbox: Arc<Inbox>,
        sink: Option<Arc<dyn Sink>>,
        connector: Box<dyn Connect>,
    ) -> Self {
        let options = options.bounded();
        let recent_bounds = options.recent;
        let throttle = Throttle::new(options.rate_limit, options.rate_period, options.heartbeat_timeout);
        let shared = Shared {
            options,
            stats: Stats::new(),
            inbox,
            sink,
            connector,
            auto_reconnect: AtomicBool::new(true),
            recent: Mutex::new(Rings::among(recent_bounds, &PROCESS)),
            _member: PROCESS.join(),
            own_id: AtomicI64::new(0),
            trace: Trace::default(),
            routes: Routes::default(),
            filters: Mutex::new(Filters::new(recent_bounds.channels)),
            throttle: Mutex::new(throttle),
            lease: Lease::new(),
        };
        Self {
            shared: Arc::new(shared),
            orders: Mutex::default(),
            last_call: AtomicU64::new(call::INTERNAL),
            pid: std::process::id(),
        }
    }

    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    pub fn inbox(&self) -> &Inbox {
        &self.shared.inbox
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
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // A task that takes no more orders still has calls to fail and its end to tell.
        let ended = matches!(self.state(), State::Idle | State::Closed);
        if !ended || orders.is_open() {
            return Err(Denied::Connected);
        }
        let receiver = orders.open();
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
        self.queue(tag, body, timeout, |line, call| line.send(Command::Call(call)))
    }

    /// As [`Self::call`], but the I/O thread need not be woken for this one alone: it goes with the next order, with
    /// [`Self::flush`], or when [`orders::HELD_MAX`] wait.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_held(&self, tag: u32, body: Bytes, timeout: Duration) -> Result<CallId, Denied> {
        self.queue(tag, body, timeout, Line::hold)
    }

    /// Has the calls sent that were held.
    pub fn flush(&self) {
        // In a forked child they are the parent's.
        let _ = self.with_line(Line::flush);
    }

    fn queue(
        &self,
        tag: u32,
        body: Bytes,
        timeout: Duration,
        how: impl FnOnce(&mut Line, Call) -> Result<(), Denied>,
    ) -> Result<CallId, Denied> {
        let max = self.shared.options.max_pending;
        self.not_forked()?;
        let pending = &self.shared.stats.pending;
        let more = |count| ((count as usize) < max).then_some(count + 1);
        pending.fetch_update(Relaxed, Relaxed, more).map_err(|_| Denied::TooManyPending(max))?;
        let id = self.last_call.fetch_add(1, Relaxed) + 1;
        let deadline = Instant::now() + timeout.min(options::LONGEST);
        let call = Call { id, tag, body, deadline, refused: 0 };
        let queued = self.with_line(|line| how(line, call)).and_then(|queued| queued);
        queued.inspect_err(|_| {
            pending.fetch_sub(1, Relaxed);
        })?;
        Ok(id)
    }

    /// Nobody waits for this call any more. One that was not sent yet will not be.
    pub fn cancel(&self, id: CallId) {
        if id != call::INTERNAL {
            // A connection that is gone has failed the call already.
            let _ = self.order(Command::Cancel(id));
        }
    }

    /// Lets calls go out for so long from now on, and no longer: those that wait then wait for the next lease.
    pub fn renew_lease(&self, left: Duration) {
        self.shared.lease.renew(left);
    }

    /// Answers [`crate::inbox::Item::SessionWanted`].
    pub fn provide_session(&self, generation: u64, urls: Vec<String>) {
        let _ = self.order(Command::Session { generation, urls });
    }

    /// Answers [`crate::inbox::Item::SessionWanted`]: not now, or never when `fatal`.
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
        self.with_line(|line| line.send(command))?
    }

    fn with_line<T>(&self, work: impl FnOnce(&mut Line) -> T) -> Result<T, Denied> {
        // To queue an order wakes the I/O thread through a descriptor, which in a forked child is the parent's.
        self.not_forked()?;
        let (done, lost) = {
            let mut line = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            (work(&mut line), std::mem::take(&mut line.lost))
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
        } else if let Ok(mut orders) = self.orders.try_lock() {
            // The end of a channel is an order too: it wakes the task, which is the parent's.
            std::mem::forget(std::mem::take(&mut *orders));
        }
    }
}
