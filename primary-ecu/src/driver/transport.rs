//! How a Secondary is asked, whatever carries it.

use std::time::Duration;

use proto::secondary::Request;

use crate::node::{Answer, Silent};

/// A way to one Secondary: one request at a time, each with its reply.
pub(crate) trait Transport {
    /// Asks, and waits for the answer as long as this carrier needs.
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent>;

    /// Time the frames of this link took on their bus so far, both directions; none without a bus.
    fn bus_time(&self) -> Option<Duration> {
        None
    }

    /// Messages this link sent again so far, because they or their answers were lost.
    fn repeated(&self) -> u64 {
        0
    }
}
