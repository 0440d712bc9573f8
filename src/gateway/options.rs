//! Every knob of the connection, with its default.

use std::path::PathBuf;
use std::time::Duration;

use super::backoff::BackoffOptions;
use super::transport::Trust;
use crate::by_channel::RingBounds;
use crate::item::Capacity;

/// Longer than any bot waits, and short enough to be added to any instant.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Clone)]
pub struct Options {
    /// A PEM file with further certificate authorities to trust, beside webpki's and the system's.
    pub ca_file: Option<PathBuf>,
    /// Take any certificate, of anybody.
    pub insecure: bool,
    /// The largest message taken from the peer, in bytes.
    pub max_frame: usize,
    pub inbox: Capacity,
    /// Messages kept for Python to ask for.
    pub recent: RingBounds,
    /// Calls waiting for an answer or for their turn.
    pub max_pending: usize,
    /// The largest raw API answer, in bytes, and all that are on their way together.
    pub max_raw: usize,
    pub connect_timeout: Duration,
    /// A ping goes out this often.
    pub heartbeat_interval: Duration,
    /// The peer is dead when no frame comes for this long after a ping.
    pub heartbeat_timeout: Duration,
    /// Frames sent in one `rate_period`.
    pub rate_limit: u32,
    pub rate_period: Duration,
    pub backoff: BackoffOptions,
    /// Makes the jitter of the delays the same each time; None takes it from the system.
    pub jitter_seed: Option<u64>,
    /// None tries for ever.
    pub reconnect_max_attempts: Option<u32>,
    /// How many clans and channels are joined again after a reconnect.
    pub max_joined: usize,
    /// How long the joins after a reconnect may take.
    pub rejoin_timeout: Duration,
    /// How long Python may take to bring a session for a reconnect.
    pub session_timeout: Duration,
    /// Bytes the store may be behind before the reader pauses.
    pub max_store_backlog: usize,
}

impl Options {
    /// Whose certificates are taken.
    pub fn trust(&self) -> Trust {
        if self.insecure { Trust::Anybody } else { Trust::Authorities(self.ca_file.clone()) }
    }

    /// The same, with every span short enough to reckon with.
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
        }
    }
}
