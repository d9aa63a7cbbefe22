//! What is shown while the driver works: one status, written at most every [`super::SHOW`].

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use host::cli::{Exit, Report as _};
use host::disk::Folder;
use host::provisioning::{Banks, Vehicle, VehicleEcu};
use proto::secondary::{File, Identity};
use uptane::EcuId;

use crate::Error;
use crate::config::{Address, Config};
use crate::machine::transaction::{MemberImage, Standing, State, Transaction};
use crate::node::{News, Progress};
use crate::status::{Board, CheckIns, EcuStatus, Entry, Image, Refusal, Status, Update};

/// The status, and where it is written.
#[derive(Debug)]
pub(super) struct Shown {
    board: Board,
    status: RefCell<Status>,
    changed: Cell<bool>,
}

impl Shown {
    /// Goes on from what was shown last, as far as it is of this vehicle.
    pub(super) fn new(folder: &Folder, config: &Config, vehicle: &Vehicle, own: &MemberImage) -> Self {
        let board = Board::new(folder.path());
        let before = board.read().unwrap_or_default();
        let mut ecus: Vec<EcuStatus> = Vec::new();
        let (primary, secondaries) = vehicle.ecus.iter().partition::<Vec<_>, _>(|ecu| ecu.ecu == vehicle.primary.ecu);
        for ecu in primary.into_iter().chain(secondaries) {
            ecus.push(entry(ecu, config, &before));
        }
        let status = Status { vehicle: vehicle.id.to_string(), ecus, ..before };
        let shown = Self { board, status: RefCell::new(status), changed: Cell::new(true) };
        shown.change(vehicle.primary.ecu, |ecu| ecu.running = Some(Image::from(own)));
        shown.write();
        shown
    }

    /// Writes the status, if it changed since the last time.
    pub(super) fn write(&self) {
        if self.changed.take()
            && let Err(error) = self.board.show(&self.status.borrow())
        {
            tracing::warn!(%error, "the status cannot be shown");
        }
    }

    /// Shows what the node says; `watch` began when the node was asked for it.
    pub(super) fn take(&self, news: News, watch: &Instant) {
        match news {
            News::CheckedIn { full: true } => self.checked_in(|count| count.full = count.full.saturating_add(1)),
            News::CheckedIn { full: false } => self.checked_in(|count| count.idle = count.idle.saturating_add(1)),
            News::NotCheckedIn => self.checked_in(|count| count.failed = count.failed.saturating_add(1)),
            News::Met(ecu, identity) => self.met(ecu, identity.as_ref()),
            News::Reported(ecu, image) => self.change(ecu, |entry| entry.running = Some(image)),
            News::Recorded(transaction) => self.transaction(&transaction),
            News::Acted(ecu) => self.end(ecu, watch, None, 0),
            News::Stands(ecu, standing) => self.stands(ecu, standing),
            News::Settled(transaction) => self.settled(&transaction),
            News::Damaged(error) => self.damaged(&error),
        }
    }

    /// An ECU said who it is, or nothing.
    fn met(&self, ecu: EcuId, identity: Option<&Identity>) {
        self.change(ecu, |entry| {
            let Some(identity) = identity else {
                entry.phase = "unreachable".to_owned();
                return;
            };
            if entry.phase == "unreachable" || entry.phase.is_empty() {
                entry.phase = "idle".to_owned();
            }
            let sha256 = identity.running.to_string();
            if entry.running.as_ref().is_none_or(|image| image.sha256 != sha256) {
                entry.running = Some(Image { sha256, ..Image::default() });
            }
        });
    }

    /// Counts a check-in.
    fn checked_in(&self, count: impl FnOnce(&mut CheckIns)) {
        count(&mut self.status.borrow_mut().check_ins);
        self.changed.set(true);
    }

    /// Shows where the transaction stands; a new one begins new updates.
    pub(super) fn transaction(&self, transaction: &Transaction) {
        let mut status = self.status.borrow_mut();
        let id = transaction.id.to_string();
        if status.transaction.as_ref().is_none_or(|shown| shown.id != id) {
            for member in transaction.members() {
                if let Some(entry) = status.ecu_mut(member.ecu) {
                    entry.update = Some(Update {
                        before: entry.running.as_ref().map(|image| image.name.clone()),
                        before_counter: entry.running.as_ref().map(|image| image.release_counter),
                        after: member.name.to_string(),
                        after_counter: member.counter.get(),
                        total: member.length.get(),
                        ..Update::default()
                    });
                }
            }
        }
        let state = status.transaction.as_ref().map(|shown| shown.state.as_str());
        if state != Some(transaction.state.word()) || status.transaction.as_ref().is_none_or(|shown| shown.id != id) {
            status.show_transaction(transaction);
            self.changed.set(true);
        }
    }

    /// A file is on its way.
    pub(super) fn progress(&self, ecu: EcuId, progress: Progress) {
        self.change(ecu, |entry| {
            let Some(update) = &mut entry.update else { return };
            update.bytes_sent = update.bytes_sent.saturating_add(progress.sent);
            if progress.file == File::Image {
                update.done = progress.held;
            }
            if matches!(progress.file, File::Image | File::Patch) {
                entry.phase = "staging".to_owned();
            }
        });
    }

    /// An errand ended: its time, the time its frames took on the bus, and how many messages were sent again.
    pub(super) fn end(&self, ecu: EcuId, watch: &Instant, on_bus: Option<Duration>, repeated: u64) {
        self.change(ecu, |entry| {
            let Some(update) = &mut entry.update else { return };
            update.repeated = update.repeated.saturating_add(repeated);
            update.wall_seconds += watch.elapsed().as_secs_f64();
            let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            if let Some(on_bus) = on_bus {
                let before = update.bus_time_ns.unwrap_or(0);
                update.bus_time_ns = Some(before.saturating_add(nanoseconds(on_bus)));
            }
        });
    }

    /// Where an ECU stands.
    fn stands(&self, ecu: EcuId, standing: Standing) {
        self.change(ecu, |entry| {
            entry.phase = match standing {
                Standing::Unknown | Standing::Absent => "idle",
                Standing::Staging => "staging",
                Standing::Staged => "staged",
                Standing::Trial => "trial",
                Standing::Healthy => "healthy",
                Standing::Committed => "committed",
                Standing::RolledBack => "rolled-back",
            }
            .to_owned();
            let complete = match standing {
                // To an ECU with a single bank the image was only announced.
                Standing::Staged => entry.banks != SINGLE,
                Standing::Healthy | Standing::Committed => true,
                Standing::Unknown | Standing::Absent | Standing::Staging | Standing::Trial | Standing::RolledBack => {
                    false
                }
            };
            if let Some(update) = entry.update.as_mut().filter(|_| complete) {
                update.done = update.total;
            }
        });
    }

    /// A transaction is over.
    fn settled(&self, transaction: &Transaction) {
        self.transaction(transaction);
        let committed = matches!(transaction.state, State::Committed);
        for member in transaction.members().iter().filter(|_| committed) {
            let (name, sha256) = (member.name.to_string(), member.sha256.to_string());
            let running = Image { name, sha256, release_counter: member.counter.get() };
            self.change(member.ecu, |entry| entry.running = Some(running));
        }
        let names: Vec<String> =
            transaction.members().iter().map(|member| format!("{}: {}", member.ecu, member.name)).collect();
        self.remember(transaction.state.word(), Some(transaction.id.to_string()), names.join(", "));
        self.write();
    }

    /// A cycle failed. What verification refused stays in sight until something else is refused.
    pub(super) fn failed(&self, error: &Error) {
        if !matches!(error.exit(), Exit::Refused) && !matches!(error, Error::Slow { .. }) {
            return;
        }
        let refusal = Refusal::of(error, host::clock::now());
        let known = self.status.borrow().last_refusal.as_ref().is_some_and(|last| last.error == refusal.error);
        if !known {
            self.remember("refused", None, refusal.error.clone());
        }
        self.status.borrow_mut().last_refusal = Some(refusal);
        self.changed.set(true);
    }

    /// A stored file was not what had been stored.
    fn damaged(&self, error: &Error) {
        tracing::error!(%error, "removed, and fetched again");
        self.remember("damaged", None, error.to_string());
        self.status.borrow_mut().last_refusal = Some(Refusal::of(error, host::clock::now()));
        self.changed.set(true);
    }

    fn remember(&self, event: &str, transaction: Option<String>, text: String) {
        let entry = Entry { at: host::clock::now().to_string(), event: event.to_owned(), transaction, text };
        if let Err(error) = self.board.add(&entry) {
            tracing::warn!(%error, "the history cannot be written");
        }
    }

    fn change(&self, ecu: EcuId, change: impl FnOnce(&mut EcuStatus)) {
        if let Some(entry) = self.status.borrow_mut().ecu_mut(ecu) {
            change(entry);
            self.changed.set(true);
        }
    }
}

/// The word of an ECU with a single bank.
const SINGLE: &str = "single";

fn banks(banks: Banks) -> &'static str {
    match banks {
        Banks::Single => SINGLE,
        Banks::Two => "two",
    }
}

fn entry(ecu: &VehicleEcu, config: &Config, before: &Status) -> EcuStatus {
    let secondary = config.secondaries.iter().find(|secondary| secondary.ecu == ecu.ecu.as_str());
    let address = secondary.and_then(|secondary| Address::parse(&secondary.address).ok());
    let before = before.ecu(ecu.ecu).cloned().unwrap_or_default();
    EcuStatus {
        ecu: ecu.ecu.to_string(),
        transport: address.map_or("local", |address| address.word()).to_owned(),
        verification: ecu.verification.to_string(),
        banks: banks(ecu.banks).to_owned(),
        phase: if before.phase.is_empty() { "idle".to_owned() } else { before.phase },
        running: before.running,
        update: before.update,
    }
}
