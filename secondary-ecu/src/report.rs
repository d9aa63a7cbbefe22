//! The ECU version report (§5.4.2.1.2), written without a heap: the bytes [`uptane::sign::ReportBuilder`] would make.
//!
//! `signatures` stands before `signed` but depends on it, so `signed` is written twice: once to be hashed, then behind its
//! signature. No value needs escaping: ids, names, digests and times are of alphabets without `"`, `\` or controls. Nor is
//! `core::fmt` asked, which is larger than all that stands here.

use uptane::{Attack, Nonce, ResultCode, Sha256, Time, hex};

use crate::bank::Descriptor;
use crate::state::{Ending, State};
use crate::{EcuKey, Fault, Profile};

/// What a report says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'r> {
    pub(crate) profile: &'r Profile,
    pub(crate) state: &'r State,
    pub(crate) image: &'r Descriptor,
    pub(crate) nonce: Nonce,
    pub(crate) time: Time,
}

impl Report<'_> {
    /// Signs the report and writes the file to the front of `buffer`; its length.
    #[inline(never)]
    pub(crate) fn write(&self, key: &mut impl EcuKey, buffer: &mut [u8]) -> Result<usize, Fault> {
        let digest = self.digest(buffer)?;
        let signature = key.sign(&digest).ok_or(Fault::Storage)?;
        let mut text = Text::new(buffer);
        text.hex(r#"{"signatures":[{"hash":""#, &digest.0);
        text.word(r#"","hash_function":"sha256","keyid":""#, key.key_id().as_str());
        text.hex(r#"","method":"ed25519","sig":""#, &signature);
        text.put(br#""}],"signed":"#);
        self.put_signed(&mut text);
        text.put(b"}");
        text.finish().map(<[u8]>::len)
    }

    #[inline(never)]
    fn digest(&self, buffer: &mut [u8]) -> Result<Sha256, Fault> {
        let mut text = Text::new(buffer);
        self.put_signed(&mut text);
        Ok(Sha256::of(text.finish()?))
    }

    /// Canonical JSON: the members stand in the order of their names.
    #[inline(never)]
    fn put_signed(&self, text: &mut Text<'_>) {
        let Self { profile, state, image, nonce, time } = self;
        let State { stage, reports, targets, outcome, .. } = state;
        text.word(r#"{"_type":"uptane-report","attack":""#, outcome.attack.map_or("none", Attack::word));
        text.number(r#"","counter":"#, reports.get());
        text.word(r#","ecu":""#, profile.ecu.as_str());
        text.word(r#"","hardware_id":""#, profile.hardware.as_str());
        text.hex(r#"","image":{"hashes":{"sha256":""#, &image.sha256.0);
        text.number(r#""},"length":"#, image.length.get());
        text.word(r#","name":""#, image.name.as_str());
        text.number(r#"","release_counter":"#, image.counter.get());
        text.hex(r#"},"nonce":""#, &nonce.0);
        text.word(r#"","result":""#, result_code(outcome.ending).word());
        text.number(r#"","targets_version":"#, targets.as_ref().map_or(0, |held| held.version.get()));
        text.put(br#","time":""#);
        text.put(&time.text());
        if let Some(transaction) = stage.transaction() {
            text.hex(r#"","transaction":""#, &transaction.0);
        }
        text.hex(r#"","vehicle":""#, &profile.vehicle.0);
        text.put(br#""}"#);
    }
}

/// How the last attempt ended, in the word reports carry.
pub(crate) fn result_code(ending: Ending) -> ResultCode {
    match ending {
        Ending::None => ResultCode::None,
        Ending::Installed => ResultCode::Installed,
        Ending::Refused => ResultCode::VerificationFailed,
        Ending::StorageFailed => ResultCode::StorageFailed,
        Ending::ActivationFailed => ResultCode::ActivationFailed,
        Ending::RolledBack => ResultCode::RolledBack,
    }
}

/// Text that grows in a buffer. Each value comes with what stands between it and the one before.
struct Text<'b> {
    buffer: &'b mut [u8],
    length: usize,
    fits: bool,
}

impl<'b> Text<'b> {
    fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0, fits: true }
    }

    /// The text, if all of it found room.
    fn finish(self) -> Result<&'b [u8], Fault> {
        let Self { buffer, length, fits } = self;
        buffer.get(..length).filter(|_| fits).ok_or(Fault::Storage)
    }

    #[inline(never)]
    fn put(&mut self, text: &[u8]) {
        let end = self.length.saturating_add(text.len());
        match self.buffer.get_mut(self.length..end) {
            Some(place) => {
                place.copy_from_slice(text);
                self.length = end;
            }
            None => self.fits = false,
        }
    }

    #[inline(never)]
    fn word(&mut self, before: &str, word: &str) {
        self.put(before.as_bytes());
        self.put(word.as_bytes());
    }

    #[inline(never)]
    fn hex(&mut self, before: &str, bytes: &[u8]) {
        self.put(before.as_bytes());
        bytes.iter().for_each(|byte| self.put(&hex::digits(*byte)));
    }

    /// Digits by doubling, bit after bit: a small processor does not divide 64 bits.
    #[inline(never)]
    fn number(&mut self, before: &str, number: u64) {
        let mut digits = [b'0'; 20];
        for bit in (0..u64::BITS).rev() {
            let mut carry = u8::from(number >> bit & 1 == 1);
            for digit in digits.iter_mut().rev() {
                let doubled = 2 * (*digit - b'0') + carry;
                carry = u8::from(doubled > 9);
                *digit = b'0' + doubled - 10 * carry;
            }
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len() - 1);
        self.put(before.as_bytes());
        self.put(digits.get(zeros..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
