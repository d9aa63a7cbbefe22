//! The vehicle transaction under a model checker: every state of small vehicles is visited ([`crate::model`]).

use anyhow::Result;

use super::Item;
use crate::model::{Fault, Found, Setting, check};
use crate::record::{Limit, Record};

/// Never mixed once closed, and never stuck, whatever is lost and whoever dies.
pub(super) const ITEM: Item = Item {
    name: "model",
    promise: "every state of a transaction under stateright: never mixed once closed, and can always end",
    show,
};

/// Vehicles, each with what it is called.
const VEHICLES: [(&str, Setting); 7] = [
    ("two ECUs", Setting { orders: &[0, 1], single_bank: None, rounds: 1, lies: false, fault: None }),
    ("two ECUs, two transactions", Setting { orders: &[0, 0], single_bank: None, rounds: 2, lies: false, fault: None }),
    ("three ECUs", Setting { orders: &[0, 0, 1], single_bank: None, rounds: 1, lies: false, fault: None }),
    ("two ECUs, one with a single bank, two transactions", SINGLE),
    ("two ECUs, and a disk that lies", Setting { lies: true, rounds: 1, ..TWO }),
    ("two ECUs, one with a single bank, two transactions, and a disk that lies", Setting { lies: true, ..SINGLE }),
    (
        "three ECUs, one with a single bank, two transactions",
        Setting { orders: &[0, 0, 0], single_bank: Some(2), rounds: 2, lies: false, fault: None },
    ),
];

/// The second of two ECUs has a single bank.
const SINGLE: Setting = Setting { orders: &[0, 1], single_bank: Some(1), rounds: 2, lies: false, fault: None };
/// A vehicle in which the other faults are planted.
const TWO: Setting = Setting { orders: &[0, 1], single_bank: None, rounds: 2, lies: false, fault: None };

/// Faults, each with what it breaks and where it is planted.
const FAULTS: [(&str, Setting, Fault); 5] = [
    ("the journal written last", TWO, Fault::RecordLast),
    ("commands of another transaction obeyed", TWO, Fault::UnboundCommands),
    ("a vote forgotten at a reset", TWO, Fault::ForgottenVote),
    ("a single bank erased before it is told to activate", SINGLE, Fault::OpenGate),
    ("a single bank taken for back before it has its old image", SINGLE, Fault::BackTooSoon),
];

fn show(record: &mut Record) -> Result<()> {
    record.note("the model leaves nothing to chance: the seed changes nothing");
    let mut seconds = 0.0;
    for (vehicle, setting) in VEHICLES {
        let found = check(setting, 2)?;
        seconds += found.seconds;
        tell(record, vehicle, &found);
    }
    for (name, setting, fault) in FAULTS {
        let found = check(Setting { fault: Some(fault), ..setting }, 2)?;
        let violated = found.always.iter().find_map(|(property, way)| Some((property, way.as_ref()?)));
        record.claim(format!("planted and found: {name}"), violated.is_some());
        if let Some((property, way)) = violated {
            record.note(format!("       breaks \"{property}\" after {} moves: {}", way.len(), way.join("; ")));
        }
    }
    record.figure("all vehicles together", seconds, "s", Limit::AtMost(900.0));
    Ok(())
}

fn tell(record: &mut Record, vehicle: &str, found: &Found) {
    let mut shown = |what: &str, count: usize| {
        record.figure(format!("{vehicle}: {what}"), number(count), "", Limit::Shown);
    };
    shown("different states", found.unique);
    shown("states reached, each as often as it was", found.generated);
    shown("moves to the farthest state", found.depth);
    shown("different states of the transaction", found.transactions);
    shown("different durable states of a Secondary", found.secondaries);
    shown("most steps from any state to the end, once nothing more goes wrong", found.longest);
    record.figure(format!("{vehicle}: time"), found.seconds, "s", Limit::Shown);
    record.claim(format!("{vehicle}: every state was visited"), found.complete);
    for (property, way) in &found.always {
        record.figure(
            format!("{vehicle}: violations of: {property}"),
            number(usize::from(way.is_some())),
            "",
            Limit::Exactly(0.0),
        );
        if let Some(way) = way {
            record.note(format!("       {}", way.join("; ")));
        }
    }
    let met = found.sometimes.values().filter(|met| **met).count();
    let all = number(found.sometimes.len());
    record.figure(format!("{vehicle}: kinds of case met, of {all}"), number(met), "", Limit::Exactly(all));
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
