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
        text.begin(SIGNATURE);
        text.hex(&digest.0);
        text.word(key.key_id().as_str());
        text.hex(&signature);
        text.lead();
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

    #[inline(never)]
    fn put_signed(&self, text: &mut Text<'_>) {
        let Self { profile, state, image, nonce, time } = self;
        let State { stage, reports, targets, outcome, .. } = state;
        text.begin(SIGNED);
        text.word(outcome.attack.map_or("none", Attack::word));
        text.number(reports.get());
        text.word(profile.ecu.as_str());
        text.word(profile.hardware.as_str());
        text.hex(&image.sha256.0);
        text.number(image.length.get());
        text.word(image.name.as_str());
        text.number(image.counter.get());
        text.hex(&nonce.0);
        text.word(result_code(outcome.ending).word());
        text.number(targets.as_ref().map_or(0, |held| held.version.get()));
        text.value(&time.text());
        if let Some(transaction) = stage.transaction() {
            text.begin(TRANSACTION);
            text.hex(&transaction.0);
        }
        text.begin(VEHICLE);
        text.hex(&profile.vehicle.0);
        text.lead();
    }
}

// Forms: a value stands where there is a question mark.
const SIGNATURE: &[u8] =
    br#"{"signatures":[{"hash":"?","hash_function":"sha256","keyid":"?","method":"ed25519","sig":"?"}],"signed":"#;

/// Canonical JSON: the members stand in the order of their names.
const SIGNED: &[u8] = concat!(
    r#"{"_type":"uptane-report","attack":"?","counter":?,"ecu":"?","hardware_id":"?","image":{"hashes":{"sha256":"?"},"#,
    r#""length":?,"name":"?","release_counter":?},"nonce":"?","result":"?","targets_version":?,"time":"?"#,
)
.as_bytes();
const TRANSACTION: &[u8] = br#"","transaction":"?"#;
const VEHICLE: &[u8] = br#"","vehicle":"?"}"#;

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

/// Text that grows in a buffer. Each value comes after what stands before it in a form.
struct Text<'b> {
    buffer: &'b mut [u8],
    form: &'static [u8],
    length: usize,
    fits: bool,
}

impl<'b> Text<'b> {
    fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, form: &[], length: 0, fits: true }
    }

    /// The text, if all of it found room.
    fn finish(self) -> Result<&'b [u8], Fault> {
        let Self { buffer, length, fits, .. } = self;
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

    /// Goes on with another form, all of whose values are to come.
    fn begin(&mut self, form: &'static [u8]) {
        self.form = form;
    }

    /// Puts what the form has before its next value; behind the last one, what is left of it.
    #[inline(never)]
    fn lead(&mut self) {
        let form = self.form;
        let at = form.iter().position(|byte| *byte == b'?').unwrap_or(form.len());
        self.form = form.get(at + 1..).unwrap_or_default();
        self.put(form.get(..at).unwrap_or_default());
    }

    #[inline(never)]
    fn value(&mut self, value: &[u8]) {
        self.lead();
        self.put(value);
    }

    fn word(&mut self, word: &str) {
        self.value(word.as_bytes());
    }

    #[inline(never)]
    fn hex(&mut self, bytes: &[u8]) {
        self.lead();
        bytes.iter().for_each(|byte| self.put(&hex::digits(*byte)));
    }

    /// Digits by doubling, bit after bit: a small processor does not divide 64 bits.
    #[inline(never)]
    fn number(&mut self, number: u64) {
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
        self.value(digits.get(zeros..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
