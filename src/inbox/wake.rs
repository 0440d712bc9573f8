//! Wakes the event loop through a file descriptor that the loop watches.

/// Wakes the consumer of an inbox. Called on the I/O thread; must not block.
pub trait Wake: Send + Sync {
    fn wake(&self);
}

#[cfg(unix)]
pub use fd::FdWake;

#[cfg(unix)]
mod fd {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd, RawFd};

    use super::Wake;

    /// An eventfd on Linux, a pipe elsewhere.
    #[derive(Debug)]
    pub struct FdWake {
        read: OwnedFd,
        /// None if one descriptor serves both directions.
        write: Option<OwnedFd>,
    }

    impl FdWake {
        /// # Errors
        /// If the process has no free file descriptor.
        pub fn new() -> io::Result<Self> {
            #[cfg(target_os = "linux")]
            {
                use rustix::event::{EventfdFlags, eventfd};
                let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                Ok(Self { read, write: None })
            }
            #[cfg(not(target_os = "linux"))]
            {
                let (read, write) = rustix::pipe::pipe()?;
                for fd in [&read, &write] {
                    rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
                    rustix::io::ioctl_fionbio(fd, true)?;
                }
                Ok(Self { read, write: Some(write) })
            }
        }

        /// Return the descriptor to watch for reading.
        pub fn fd(&self) -> RawFd {
            self.read.as_raw_fd()
        }

        /// Make the descriptor unreadable until the next wake.
        pub fn clear(&self) {
            let mut buf = [0; 64];
            // EAGAIN means that there was nothing to clear.
            let _ = rustix::io::read(&self.read, &mut buf);
        }
    }

    impl Wake for FdWake {
        fn wake(&self) {
            let fd = self.write.as_ref().unwrap_or(&self.read);
            // A full counter or pipe is readable already.
            let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        fn readable(wake: &FdWake) -> bool {
            let mut fds = [PollFd::new(&wake.read, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
        }

        #[test]
        fn is_readable_from_wake_to_clear() {
            let wake = FdWake::new().unwrap();
            assert!(!readable(&wake));
            wake.wake();
            wake.wake();
            assert!(readable(&wake));
            wake.clear();
            assert!(!readable(&wake));
        }
    }
}
