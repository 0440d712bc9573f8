//! The states of a connection and the transitions between them, in one table.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Never connected.
    Idle,
    /// Waiting for a session from Python.
    Authenticating,
    /// TCP, TLS and the transport's handshake.
    Connecting,
    /// Repeating the joins of the previous connection.
    Joining,
    /// Calls are sent and events received.
    Ready,
    /// Waiting before the next attempt.
    Backoff,
    /// Closed for good; a new `connect` starts over.
    Closed,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Authenticating,
        Self::Connecting,
        Self::Joining,
        Self::Ready,
        Self::Backoff,
        Self::Closed,
    ];

    /// Return the states that may follow this one.
    pub fn next(self) -> &'static [Self] {
        use State::*;
        match self {
            Idle => &[Connecting, Closed],
            Authenticating => &[Connecting, Backoff, Closed],
            Connecting => &[Joining, Backoff, Closed],
            Joining => &[Ready, Backoff, Closed],
            Ready => &[Backoff, Closed],
            Backoff => &[Authenticating, Closed],
            Closed => &[Connecting],
        }
    }

    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Authenticating => "authenticating",
            Self::Connecting => "connecting",
            Self::Joining => "joining",
            Self::Ready => "ready",
            Self::Backoff => "backoff",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn from_u8(value: u8) -> Self {
        Self::ALL.get(usize::from(value)).copied().unwrap_or(Self::Closed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_closed_and_left() {
        for state in State::ALL {
            assert_eq!(state.may_become(State::Closed), state != State::Closed, "{state}");
            assert!(!state.may_become(state), "{state} is no move");
            assert_eq!(State::from_u8(state as u8), state);
        }
    }

    #[test]
    fn ready_is_reached_by_joining_alone() {
        let before: Vec<_> = State::ALL.into_iter().filter(|s| s.may_become(State::Ready)).collect();
        assert_eq!(before, [State::Joining]);
    }

    #[test]
    fn a_lost_connection_authenticates_anew() {
        // Connecting without a new session happens only at the first connect.
        let before: Vec<_> = State::ALL.into_iter().filter(|s| s.may_become(State::Connecting)).collect();
        assert_eq!(before, [State::Idle, State::Authenticating, State::Closed]);
    }
}
