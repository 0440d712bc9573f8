//! Faults, on simulated time and over loopback TCP. `net` is the scripted network, `bot` watches the promises that hold
//! in every test: one live connection, legal moves, one outcome for each call, nothing left at the end.

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
mod routes;
mod sockets;
mod storms;
mod tcp;
mod websocket;
