//! What `primary-ecu status --json` and `secondary-ecu status --json` say.

use primary_ecu::status::Status;

use super::Program;
use crate::Error;

/// Reads a Primary's status.
pub(super) fn parse(json: &str) -> Result<Status, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::Output { program: Program::PrimaryEcu, message: error.to_string() })
}

/// Whether every ECU runs the target `name`, as far as the Primary knows.
pub fn all_run(status: &Status, name: &str) -> bool {
    status.ecus.iter().all(|ecu| ecu.running.as_ref().is_some_and(|running| running.name == name))
}

/// Digest of the image that the ECU `id` runs, out of its own status.
pub(super) fn running(program: Program, id: &str, json: &str) -> Result<String, Error> {
    let unexpected = |message: String| Error::Output { program, message };
    let value: serde_json::Value = serde_json::from_str(json).map_err(|error| unexpected(error.to_string()))?;
    // A Primary lists all ECUs; a Secondary speaks of itself alone.
    let own = match value.get("ecus").and_then(|ecus| ecus.as_array()) {
        Some(ecus) => ecus.iter().find(|ecu| ecu.get("ecu").is_some_and(|name| name == id)),
        None => Some(&value),
    };
    let digest = own.and_then(|own| own.pointer("/running/sha256")).and_then(serde_json::Value::as_str);
    digest.map(str::to_owned).ok_or_else(|| unexpected(format!("no running image of {id}")))
}
