//! A connection on which nothing moves is given up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that fails once nothing was read or written for some time.
///
/// A client that neither asks nor takes what it asked for costs memory and a place; this ends it, whatever the protocol
/// above waits for. The time is looked at once per period, so it ends after one to two of them.
#[derive(Debug)]
pub(super) struct Patient<T> {
    inner: T,
    period: Duration,
    alarm: Pin<Box<Sleep>>,
    moved: bool,
}

impl<T> Patient<T> {
    /// Gives up on `inner` after a period without a byte.
    pub(super) fn new(inner: T, period: Duration) -> Self {
        Self { inner, period, alarm: Box::pin(sleep(period)), moved: false }
    }

    /// Passes on what came of an operation, unless it waits and has waited for too long.
    fn passed<R>(&mut self, cx: &mut Context<'_>, came: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if came.is_ready() {
            self.moved = true;
            return came;
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            if !std::mem::take(&mut self.moved) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(Instant::now() + self.period);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.passed(cx, came)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let came = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.passed(cx, came)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let came = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.passed(cx, came)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// What is flushed has been counted when it was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.inner).poll_flush(cx);
        if came.is_ready() { came } else { self.passed(cx, came) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.passed(cx, came)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PERIOD: Duration = Duration::from_millis(50);

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        host::serve::runtime().unwrap().block_on(async {
            let (near, _far) = tokio::io::duplex(16);
            let error = Patient::new(near, PERIOD).write_all(&[0; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_client_that_says_nothing_is_given_up() {
        host::serve::runtime().unwrap().block_on(async {
            let (near, _far) = tokio::io::duplex(16);
            let error = Patient::new(near, PERIOD).read_u8().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_slow_client_is_not() {
        host::serve::runtime().unwrap().block_on(async {
            let (near, mut far) = tokio::io::duplex(16);
            let slow = tokio::spawn(async move {
                for _ in 0..20 {
                    sleep(PERIOD / 5).await;
                    far.read_exact(&mut [0; 4]).await.unwrap();
                }
            });
            Patient::new(near, PERIOD).write_all(&[0; 80]).await.unwrap();
            slow.await.unwrap();
        });
    }
}
