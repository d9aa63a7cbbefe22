//! The result as a table.

use primary_ecu::status::{EcuStatus, Status};

/// One line per ECU: how it is reached, how it verifies, what it ran and runs, and what that took.
pub(super) fn of(status: &Status) -> String {
    let rows: Vec<[String; 7]> = status.ecus.iter().map(row).collect();
    host::cli::table(HEADER, &rows)
}

const HEADER: [&str; 7] = ["ECU", "transport", "verification", "before → after", "bytes", "wall", "CAN bus time"];

fn row(ecu: &EcuStatus) -> [String; 7] {
    let update = ecu.update.as_ref();
    let none = || "-".to_owned();
    [
        ecu.ecu.clone(),
        ecu.transport.clone(),
        ecu.verification.clone(),
        update.map_or_else(none, |update| format!("{} → {}", update.before.as_deref().unwrap_or("-"), update.after)),
        update.map_or_else(none, |update| update.done.to_string()),
        update.map_or_else(none, |update| format!("{:.2} s", update.wall_seconds)),
        update.and_then(|update| update.bus_time_ns).map_or_else(none, bus_time),
    ]
}

fn bus_time(nanoseconds: u64) -> String {
    let duration = std::time::Duration::from_nanos(nanoseconds);
    format!("{:.2} s", duration.as_secs_f64())
}
