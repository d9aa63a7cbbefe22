//! Whether clients can be served: looked at now and then, answered on the port for operations.

use std::time::Duration;

use host::health::Health;
use tokio::time::{sleep, timeout};
use uptane::metadata::{Envelope, Timestamp};
use uptane::{Length, Time, limits};

use crate::objects::Objects;

/// Looks every [`PERIOD`]; never ends.
pub(super) async fn watch(objects: &Objects, health: &Health) {
    loop {
        sleep(PERIOD).await;
        look(objects, health, host::clock::now()).await;
    }
}

/// Says of the store whether it answers, and of the Timestamp whether a client would take it at `now`.
pub(super) async fn look(objects: &Objects, health: &Health, now: Time) {
    let limit = Length::new(limits::MAX_TIMESTAMP).unwrap_or(Length::ZERO);
    let read = match timeout(PATIENCE, objects.published_file("timestamp.json", limit)).await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    match read {
        Ok(bytes) => {
            health.well(STORE);
            match judge(bytes.as_deref(), now) {
                Ok(()) => health.well(TIMESTAMP),
                Err(why) => health.ill(TIMESTAMP, why),
            }
        }
        Err(why) => health.ill(STORE, why),
    }
}

fn judge(timestamp: Option<&[u8]>, now: Time) -> Result<(), String> {
    let bytes = timestamp.ok_or("not published")?;
    let expires = expiry(bytes).map_err(|error| error.to_string())?;
    if now < expires { Ok(()) } else { Err(format!("expired at {expires}")) }
}

fn expiry(timestamp: &[u8]) -> Result<Time, uptane::Error> {
    let envelope = Envelope::decode(timestamp)?;
    Ok(Timestamp::decode(envelope.signed())?.expires())
}

/// Parts of the service, as `/readyz` names them.
const STORE: &str = "store";
const TIMESTAMP: &str = "timestamp";
/// How often to look.
const PERIOD: Duration = Duration::from_secs(2);
/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
