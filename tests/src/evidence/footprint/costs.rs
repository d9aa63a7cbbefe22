//! What steps cost, as the firmware's meter says.

use anyhow::{Context, Result, bail};

use super::number;
use crate::record::{Limit, Record};

/// The most that each kind of step has cost, in the order in which they were first taken.
#[derive(Default)]
pub(super) struct Costs {
    steps: Vec<Cost>,
    /// The stack between steps.
    outside: u64,
}

struct Cost {
    name: String,
    times: u64,
    instructions: u64,
    stack: u64,
}

/// Bytes of a record: the letter of the step, ticks (8), peak of the stack (4), peak between the step before and this one
/// (4); big endian.
const RECORD: usize = 17;
/// The counter runs at 25 MHz, and the processor executes an instruction in a nanosecond.
const INSTRUCTIONS_PER_TICK: u64 = 40;

impl Costs {
    /// Adds what the firmware said while this file, or this request, was its business.
    pub(super) fn add(&mut self, what: &str, trace: &[u8]) -> Result<()> {
        let (records, []) = trace.as_chunks::<RECORD>() else { bail!("a record of the meter is not whole") };
        records.iter().try_for_each(|record| self.step(what, record))
    }

    fn step(&mut self, what: &str, record: &[u8; RECORD]) -> Result<()> {
        let (letter, rest) = record.split_first().context("a record has a letter")?;
        let (ticks, rest) = rest.split_first_chunk().context("a record has ticks")?;
        let (stack, outside) = rest.split_first_chunk().context("a record has a peak")?;
        let outside = outside.try_into().context("a record has a second peak")?;
        let name = match letter {
            b'b' => "boot".to_owned(),
            b'o' => format!("{what}: offer"),
            b'c' => format!("{what}: one chunk"),
            b'v' => format!("{what}: verify and keep"),
            _ => what.to_owned(),
        };
        self.outside = self.outside.max(u32::from_be_bytes(outside).into());
        let instructions = u64::from_be_bytes(*ticks) * INSTRUCTIONS_PER_TICK;
        let stack = u32::from_be_bytes(*stack).into();
        match self.steps.iter_mut().find(|step| step.name == name) {
            Some(step) => {
                step.times += 1;
                step.instructions = step.instructions.max(instructions);
                step.stack = step.stack.max(stack);
            }
            None => self.steps.push(Cost { name, times: 1, instructions, stack }),
        }
        Ok(())
    }

    /// Whether nothing was measured.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The most of the stack that was ever in use.
    pub(super) fn peak(&self) -> Option<u64> {
        let within = self.steps.iter().map(|step| step.stack).max()?;
        Some(within.max(self.outside))
    }

    /// Two figures for each step.
    pub(super) fn show(&self, record: &mut Record) -> Result<()> {
        for Cost { name, times, instructions, stack } in &self.steps {
            let (instructions, stack) = (number(*instructions)?, number(*stack)?);
            record.figure(format!("{name} ({times} times): instructions at most"), instructions, "", Limit::Shown);
            record.figure(format!("{name}: stack"), stack, "bytes", Limit::Shown);
        }
        record.figure("stack between steps", number(self.outside)?, "bytes", Limit::Shown);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(letter: u8, ticks: u64, stack: u32, outside: u32) -> Vec<u8> {
        [&[letter][..], &ticks.to_be_bytes(), &stack.to_be_bytes(), &outside.to_be_bytes()].concat()
    }

    #[test]
    fn the_most_a_step_costs_counts() {
        let mut costs = Costs::default();
        costs.add("image", &[record(b'c', 5, 100, 900), record(b'c', 3, 200, 90)].concat()).unwrap();
        assert_eq!(costs.steps.len(), 1);
        assert_eq!((costs.steps[0].instructions, costs.steps[0].stack, costs.steps[0].times), (200, 200, 2));
        assert_eq!(costs.peak(), Some(900));
    }

    #[test]
    fn half_a_record_is_an_error() {
        assert!(Costs::default().add("image", &record(b'c', 5, 100, 900)[..9]).is_err());
    }
}
