//! How fast a server must at least be (§5.4.4.1, slow retrieval attack A3).

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::FetchError;

/// Counts what arrives in windows of waiting time. Time spent elsewhere is not counted.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    least: u64,
    window: Duration,
    left: Duration,
    arrived: u64,
}

impl Pace {
    pub(super) fn new(least: u64, window: Duration) -> Self {
        Self { least, window, left: window, arrived: 0 }
    }

    /// Waits for the server, while it is fast enough.
    pub(super) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, FetchError> {
        tokio::pin!(work);
        loop {
            let began = Instant::now();
            if let Ok(done) = timeout(self.left, &mut work).await {
                self.left = self.left.saturating_sub(began.elapsed());
                return Ok(done);
            }
            if self.arrived < self.least {
                return Err(FetchError::SlowRetrieval { least: self.least, seconds: self.window.as_secs() });
            }
            (self.left, self.arrived) = (self.window, 0);
        }
    }

    pub(super) fn arrived(&mut self, bytes: usize) {
        self.arrived = self.arrived.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}
