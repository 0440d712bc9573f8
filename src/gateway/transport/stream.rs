//! A TCP connection, with TLS or without, that counts what it reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

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

    /// Bytes read so far, without those of TLS itself.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }
}

/// Calls the method of whichever socket it is.
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
