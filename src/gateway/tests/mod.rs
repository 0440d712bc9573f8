//! Fault tests, with simulated time and over loopback TCP. `net` is the scripted network; `bot` checks the
//! invariants of every test: one live connection, legal transitions, one outcome per call, nothing left at the
//! end.

mod bot;
mod calls;
mod commands;
mod flow;
mod handshakes;
mod heartbeat;
mod joins;
mod lifecycle;
mod limits;
mod net;
mod recording;
mod routes;
mod sockets;
mod storms;
mod tcp;
mod websocket;
