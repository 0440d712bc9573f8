//! The state that the handle of a connection and its task share.

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lease::Lease;
use super::options::Options;
use super::routes::Routes;
use super::stats::Stats;
use super::throttle::Throttle;
use super::trace::{Level, Trace};
use super::transport::Connect;
use crate::by_channel::Rings;
use crate::filter::Filters;
use crate::item::{ItemSink, MessageSink};
use crate::memory_budget::{BudgetShare, PROCESS};
use crate::wire::{Body, UNKNOWN_FIELDS};

/// The state that the handle and the task share.
pub(crate) struct Shared {
    pub options: Options,
    pub stats: Stats,
    pub inbox: Arc<dyn ItemSink>,
    pub sink: Option<Arc<dyn MessageSink>>,
    pub connector: Box<dyn Connect>,
    pub auto_reconnect: AtomicBool,
    /// The latest messages of each channel, encoded, until Python requests them.
    ///
    /// Most bots never read a message again. As Python objects they would cost every event a cold deallocation and
    /// time of the garbage collector; as bytes, which the store holds anyway, they cost next to nothing.
    recent: Mutex<Rings<Body>>,
    /// Counts this client among those that share the memory budget.
    _budget_share: BudgetShare,
    /// The bot's own id; 0 while it is unknown.
    pub own_id: AtomicI64,
    pub trace: Trace,
    /// The transport that worked last.
    pub routes: Routes,
    /// The filters of the bot's handlers.
    pub filters: Mutex<Filters>,
    /// The frames sent recently. Reconnects do not reset it.
    pub throttle: Mutex<Throttle>,
    /// How long calls may be sent.
    pub lease: Lease,
}

impl Shared {
    pub fn new(
        options: Options,
        inbox: Arc<dyn ItemSink>,
        sink: Option<Arc<dyn MessageSink>>,
        connector: Box<dyn Connect>,
    ) -> Self {
        let recent_bounds = options.recent;
        let throttle = Throttle::new(options.rate_limit, options.rate_period, options.heartbeat_timeout);
        Self {
            options,
            stats: Stats::new(),
            inbox,
            sink,
            connector,
            auto_reconnect: AtomicBool::new(true),
            recent: Mutex::new(Rings::with_budget(recent_bounds, &PROCESS)),
            _budget_share: PROCESS.register(),
            own_id: AtomicI64::new(0),
            trace: Trace::default(),
            routes: Routes::default(),
            filters: Mutex::new(Filters::new(recent_bounds.channels)),
            throttle: Mutex::new(throttle),
            lease: Lease::new(),
        }
    }

    pub fn recent(&self) -> MutexGuard<'_, Rings<Body>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Log a record to the logger of the core, if its level is enabled.
    pub fn log(&self, level: Level, text: impl FnOnce() -> String) {
        self.trace.log(&*self.inbox, level, text);
    }

    /// Log the fields that decoders have met since the last call and that the schema does not contain.
    pub fn log_unknown_fields(&self) {
        if !self.trace.enabled(Level::Debug) {
            return;
        }
        for (message, number) in UNKNOWN_FIELDS.take() {
            self.log(Level::Debug, || {
                format!("the server sends field {number} of {message}, which this version does not know")
            });
        }
    }
}
