//! The options of the connection, with their defaults.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::BackoffOptions;
use super::transport::Trust;
use crate::by_channel::RingBounds;
use crate::item::Capacity;
use crate::recorder::Recorder;

/// Longer than any bot waits, and short enough to be added to any instant.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Clone)]
pub struct Options {
    /// A PEM file with certificate authorities to trust in addition to webpki's and the system's.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
    /// The maximum size of a message from the peer, in bytes.
    pub max_frame: usize,
    pub inbox: Capacity,
    /// The bounds of the messages kept until Python requests them.
    pub recent: RingBounds,
    /// The maximum number of queued and unanswered calls.
    pub max_pending: usize,
    /// The maximum size of a raw API answer, and of all incomplete ones together, in bytes.
    pub max_raw: usize,
    pub connect_timeout: Duration,
    /// The interval of pings.
    pub heartbeat_interval: Duration,
    /// The peer counts as dead if no frame arrives for this long after a ping.
    pub heartbeat_timeout: Duration,
    /// The maximum number of frames sent in one `rate_period`.
    pub rate_limit: u32,
    pub rate_period: Duration,
    pub backoff: BackoffOptions,
    /// The seed of the jitter, for reproducible delays; None for a random one.
    pub jitter_seed: Option<u64>,
    /// None for no limit.
    pub reconnect_max_attempts: Option<u32>,
    /// The maximum number of clans and channels that are joined again after a reconnect.
    pub max_joined: usize,
    /// The time limit of the joins after a reconnect.
    pub rejoin_timeout: Duration,
    /// The time limit of Python's answer to a request for a session.
    pub session_timeout: Duration,
    /// The reader pauses when the store's backlog exceeds this number of bytes.
    pub max_store_backlog: usize,
    /// Records every frame; None for no recording.
    pub recorder: Option<Arc<Recorder>>,
}

impl Options {
    /// Return which certificates are accepted.
    pub fn trust(&self) -> Trust {
        if self.insecure { Trust::Anybody } else { Trust::Authorities(self.ca_file.clone()) }
    }

    /// Limit every duration to `LONGEST`, so that it can be added to an instant.
    pub(super) fn bounded(mut self) -> Self {
        for span in [
            &mut self.connect_timeout,
            &mut self.heartbeat_interval,
            &mut self.heartbeat_timeout,
            &mut self.rate_period,
            &mut self.backoff.base,
            &mut self.backoff.max,
            &mut self.rejoin_timeout,
            &mut self.session_timeout,
        ] {
            *span = LONGEST.min(*span);
        }
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca_file: None,
            insecure: false,
            max_frame: 64 << 20,
            recent: RingBounds { per_channel: 200, channels: 1000, bytes: 32 << 20 },
            inbox: Capacity { events: 20_000, bytes: 32 << 20 },
            max_pending: 10_000,
            max_raw: 64 << 20,
            connect_timeout: Duration::from_secs(30),
            heartbeat_interval: Duration::from_secs(10),
            heartbeat_timeout: Duration::from_secs(10),
            rate_limit: 80,
            rate_period: Duration::from_secs(1),
            backoff: BackoffOptions::default(),
            jitter_seed: None,
            reconnect_max_attempts: None,
            max_joined: 10_000,
            rejoin_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(120),
            max_store_backlog: 16 << 20,
            recorder: None,
        }
    }
}
