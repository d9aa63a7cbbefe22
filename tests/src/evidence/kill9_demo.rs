//! `kill9-demo`: an ECU's process is ended with `kill -9` during the update, in every state of the journal.
//!
//! Each round publishes and assigns a new image, waits for one state of the Primary's journal, and some seeded time
//! more, and kills one ECU there: the Primary or a Secondary. What counts is the state the journal shows after the
//! kill. A round that is to see the vehicle turn back keeps a Secondary dead until it does, then kills the Primary too.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use simulator::live::{DEMO_VEHICLE, Launcher, System, all_run};
use uptane::Sha256;

use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "kill9-demo",
    promise: "an update survives kill -9 of any ECU in every journal state: all ECUs run the new image afterwards",
    show,
};

/// Kills to make, and how many of them in each state at least.
const KILLS: u32 = 60;
const IN_EACH_STATE: u32 = 3;

/// The states a journal can be in, in the order of an update; see `primary_ecu::machine::journal`.
const STATES: [&str; 8] =
    ["staging", "verifying", "activating", "voting", "committing", "committed", "rolling-back", "rolled-back"];

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = std::env::current_exe()?.parent().context("the folder of programs")?.to_owned();
    let mut rig = Rig::start(Launcher::Binaries(programs), folder.path(), record.seed())?;
    let mut killed: BTreeMap<String, u32> = BTreeMap::new();
    for round in 0..KILLS {
        let wanted = rig.wanted(&killed);
        let (victim, state) = rig.round(round, wanted)?;
        record.sample("seconds to recover", rig.recovered.as_secs_f64());
        record.note(format!(
            "round {round:>2}: {victim} killed in {state}, recovered in {:.1} s",
            rig.recovered.as_secs_f64()
        ));
        *killed.entry(state).or_default() += 1;
    }
    for state in STATES {
        let count = killed.get(state).copied().unwrap_or(0);
        record.figure(format!("kills in {state}"), count.into(), "", Limit::AtLeast(IN_EACH_STATE.into()));
    }
    let idle = killed.get(NO_TRANSACTION).copied().unwrap_or(0);
    record.figure("kills just outside a transaction", idle.into(), "", Limit::Shown);
    record.figure("kills after which all ECUs run the new image", KILLS.into(), "", Limit::Exactly(KILLS.into()));
    Ok(())
}

struct Rig {
    system: System,
    random: Random,
    recovered: Duration,
}

impl Rig {
    fn start(launcher: Launcher, folder: &Path, seed: u64) -> Result<Self> {
        let mut random = Random(seed);
        let mut system = System::create(launcher, folder, &DEMO_VEHICLE, &random.bytes(IMAGE))?;
        system.start_primary()?;
        Ok(Self { system, random, recovered: Duration::ZERO })
    }

    /// A state that still needs kills; when none does, one of an update that nobody holds up.
    fn wanted(&mut self, killed: &BTreeMap<String, u32>) -> &'static str {
        let needs = |state: &&str| killed.get(*state).copied().unwrap_or(0) <= IN_EACH_STATE;
        let needy: Vec<&'static str> = STATES.into_iter().filter(needs).collect();
        let candidates = if needy.is_empty() { STATES.into_iter().take(6).collect() } else { needy };
        let chosen = self.random.below(candidates.len());
        candidates.get(chosen).copied().unwrap_or("staging")
    }

    /// One update with one kill; gives back who was killed in which state.
    fn round(&mut self, round: u32, wanted: &'static str) -> Result<(&'static str, String)> {
        let image = self.random.bytes(IMAGE);
        let name = format!("firmware/round-{round}.bin");
        let file = self.system.folder().join("round.bin");
        std::fs::write(&file, &image)?;
        self.system.publish(&name, &file, u64::from(round) + 2)?;
        self.system.assign(&name)?;
        let killed = match wanted {
            "rolling-back" | "rolled-back" => self.turn_back(wanted)?,
            _ => self.kill_in(wanted)?,
        };
        self.recover(&name, &Sha256::of(&image).to_string())?;
        Ok(killed)
    }

    fn kill_in(&mut self, wanted: &'static str) -> Result<(&'static str, String)> {
        self.wait_for(wanted)?;
        std::thread::sleep(self.random.up_to(extra_delay(wanted)));
        let ids: Vec<&'static str> = self.system.ecus().map(|ecu| ecu.id).collect();
        let chosen = self.random.below(ids.len());
        let victim = ids.get(chosen).copied().context("an ECU")?;
        self.system.kill(victim)?;
        Ok((victim, self.state()))
    }

    /// Keeps one Secondary dead until the vehicle turns back, then kills the Primary.
    fn turn_back(&mut self, wanted: &'static str) -> Result<(&'static str, String)> {
        let secondaries: Vec<&'static str> = self.system.ecus().skip(1).map(|ecu| ecu.id).collect();
        let chosen = self.random.below(secondaries.len());
        let absent = secondaries.get(chosen).copied().context("a Secondary")?;
        self.wait_for("staging")?;
        self.system.kill(absent)?;
        self.wait_for("rolling-back")?;
        if wanted == "rolled-back" {
            self.system.restart(absent)?;
            self.wait_for(wanted)?;
        }
        self.system.kill(PRIMARY)?;
        let state = self.state();
        if wanted == "rolling-back" {
            self.system.restart(absent)?;
        }
        Ok((PRIMARY, state))
    }

    /// Starts again whoever is down, and waits until every ECU itself says that it runs `digest`.
    fn recover(&mut self, name: &str, digest: &str) -> Result<()> {
        let watch = host::clock::stopwatch();
        for ecu in self.system.ecus().collect::<Vec<_>>() {
            if self.system.process_id(ecu.id).is_none() {
                self.system.restart(ecu.id)?;
            }
        }
        self.system
            .wait("all ECUs running the new image", RECOVERY_LIMIT, |status| all_run(status, name).then_some(()))?;
        self.recovered = watch.elapsed();
        match self.system.running()?.into_iter().find(|(_, running)| running != digest) {
            None => Ok(()),
            Some((ecu, running)) => bail!("{} runs {running} after recovery, not {digest}", ecu.id),
        }
    }

    /// Waits until the journal is in `state`, or past it.
    fn wait_for(&self, state: &str) -> Result<()> {
        let position = |state: &str| STATES.iter().position(|known| *known == state);
        let watch = host::clock::stopwatch();
        let mut reached = None;
        while watch.elapsed() < RECOVERY_LIMIT {
            let now = position(&self.state());
            // A journal that was there and is gone is past everything; so is one of the next transaction.
            if now >= position(state) || (reached.is_some() && now < reached) {
                return Ok(());
            }
            reached = now;
            std::thread::sleep(Duration::from_micros(100));
        }
        bail!("the journal did not reach {state} within {} s", RECOVERY_LIMIT.as_secs())
    }

    /// The journal's state, or [`NO_TRANSACTION`].
    fn state(&self) -> String {
        let newest = [0, 1].map(|side| self.journal(side)).into_iter().max_by_key(|(number, _)| *number);
        let state = newest.and_then(|(_, journal)| Some(journal.get("state")?.as_str()?.to_owned()));
        state.unwrap_or_else(|| NO_TRANSACTION.to_owned())
    }

    /// What one file of the journal says, and its number.
    fn journal(&self, side: usize) -> (u64, serde_json::Value) {
        let path = self.system.ecu_data(PRIMARY).join(format!("journal.{side}.json"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut value: serde_json::Value =
            serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_default();
        let number = value.get("number").and_then(serde_json::Value::as_u64).unwrap_or_default();
        (number, value.get_mut("value").map(serde_json::Value::take).unwrap_or_default())
    }
}

/// Staging takes seconds, the other states milliseconds.
fn extra_delay(state: &str) -> Duration {
    match state {
        "staging" => Duration::from_millis(400),
        _ => Duration::from_micros(500),
    }
}

/// SplitMix64: the same rounds for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        let nanoseconds = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.next() % nanoseconds)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes()).flatten();
        words.take(length).collect()
    }
}

const PRIMARY: &str = "gateway";
const NO_TRANSACTION: &str = "none";
const IMAGE: usize = 256 * 1024;
const RECOVERY_LIMIT: Duration = Duration::from_secs(120);
