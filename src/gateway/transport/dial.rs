//! Opens a stream to a host: its addresses are tried in a staggered race and the first to answer wins (RFC 8305).

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::{self, Tls};
use super::{Endpoint, Lost};

/// The delay before the next address is tried in parallel.
const STAGGER: Duration = Duration::from_millis(250);

/// # Errors
/// A message that contains host and port.
pub async fn dial(endpoint: &Endpoint, tls: &Tls) -> Result<Stream, Lost> {
    let (host, port) = (&endpoint.host, endpoint.port);
    let socket = connect(host, port)
        .await
        .map_err(|why| Lost::new(format!("cannot connect to {host}:{port}: {why}")))?;
    socket.set_nodelay(true).map_err(|why| Lost::new(why.to_string()))?;
    if !endpoint.secure {
        return Ok(Stream::plain(socket));
    }
    let name = ServerName::try_from(host.clone())
        .map_err(|_| Lost::new(format!("{host} is not a name a certificate can be checked for")))?;
    let socket = TlsConnector::from(tls.config().map_err(Lost::new)?)
        .connect(name, socket)
        .await
        .map_err(|why| Lost::new(tls::failed(&format!("{host}:{port}"), &why)))?;
    Ok(Stream::tls(socket))
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = lookup_host((host, port)).await?.collect();
    race(interleaved(addresses), TcpStream::connect).await
}

/// Alternate the address families, starting with the one that the system prefers.
fn interleaved(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let mut mixed = VecDeque::new();
    while let Some(address) = one.pop_front().or_else(|| other.pop_front()) {
        mixed.push_back(address);
        mixed.extend(other.pop_front());
    }
    mixed
}

/// Try the addresses in order, each a while after the previous one or as soon as that has failed. The first to
/// answer wins; the error is the last one.
async fn race<T, F: Future<Output = io::Result<T>>>(
    mut addresses: VecDeque<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut running = FuturesUnordered::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.pop_front() {
            running.push(attempt(address));
        }
        let next_at = Instant::now() + STAGGER;
        tokio::select! {
            biased;
            done = running.next() => match done {
                Some(Ok(socket)) => return Ok(socket),
                Some(Err(why)) => failed = why,
                None => return Err(failed),
            },
            () = sleep_until(next_at), if !addresses.is_empty() => {}
        }
    }
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub struct Stream {
    socket: Socket,
    read: u64,
}

impl Stream {
    pub fn plain(socket: TcpStream) -> Self {
        Self { socket: Socket::Plain(socket), read: 0 }
    }

    pub fn tls(socket: TlsStream<TcpStream>) -> Self {
        Self { socket: Socket::Tls(Box::new(socket)), read: 0 }
    }

    /// Return the number of bytes read, without TLS overhead.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }
}

/// Calls a method of the inner socket.
macro_rules! either {
    ($self:ident, $socket:ident => $call:expr) => {
        match &mut $self.get_mut().socket {
            Socket::Plain(socket) => {
                let $socket = Pin::new(socket);
                $call
            }
            Socket::Tls(socket) => {
                let $socket = Pin::new(socket.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = self.as_mut();
        ready!(either!(this, socket => socket.poll_read(cx, buf)))?;
        self.read += (buf.filled().len() - before) as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, socket => socket.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const MS: Duration = Duration::from_millis(1);

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "[::4]:1"].map(address);
        let order = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1", "[::4]:1"].map(address);
        assert_eq!(interleaved(given.to_vec()), order);
        assert!(interleaved(Vec::new()).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_first_address_costs_a_quarter_of_a_second() {
        let start = Instant::now();
        let addresses = ["[::1]:1", "1.1.1.1:1", "[::2]:1"].map(address);
        let won = race(addresses.into(), |to| async move {
            if to.is_ipv6() {
                sleep(3_600_000 * MS).await;
            }
            sleep(10 * MS).await;
            Ok(to)
        });
        assert_eq!(won.await.unwrap(), address("1.1.1.1:1"));
        assert_eq!(start.elapsed(), 260 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_address_costs_nothing_and_a_slow_one_may_still_win() {
        let start = Instant::now();
        let addresses = ["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"].map(address);
        let won = race(addresses.into(), |to| async move {
            match to.ip().to_string().as_str() {
                "1.0.0.1" => return Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
                "1.0.0.2" => sleep(300 * MS).await,
                _ => sleep(400 * MS).await,
            }
            Ok(to)
        });
        assert_eq!(won.await.unwrap(), address("1.0.0.2:1"));
        assert_eq!(start.elapsed(), 300 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_last_error_is_told() {
        let refuse = |_| async { Err::<(), _>(io::ErrorKind::ConnectionRefused.into()) };
        let why = race(["1.0.0.1:1", "1.0.0.2:1"].map(address).into(), refuse).await.unwrap_err();
        assert_eq!(why.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(race(VecDeque::new(), refuse).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_name_with_a_dead_address_is_reached_by_another() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // No listener has the first of these addresses.
        let addresses = [format!("[::1]:{port}"), format!("127.0.0.1:{port}")].map(|text| address(&text));
        let socket = race(addresses.into(), TcpStream::connect).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), address(&format!("127.0.0.1:{port}")));
    }
}
