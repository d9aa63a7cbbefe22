//! Waiting for something to happen, and giving up.

use std::path::Path;
use std::time::Duration;

use crate::Error;

/// Asks `ready` again and again until it has an answer; gives up after `limit`.
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    logs: &Path,
    mut ready: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let watch = host::clock::stopwatch();
    loop {
        if let Some(answer) = ready()? {
            return Ok(answer);
        }
        if watch.elapsed() > limit {
            return Err(Error::Timeout { what: what.to_owned(), limit, logs: logs.to_owned() });
        }
        std::thread::sleep(PAUSE);
    }
}

const PAUSE: Duration = Duration::from_millis(10);
