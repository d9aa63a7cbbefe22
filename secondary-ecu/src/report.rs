//! The ECU version report (§5.4.2.1.2), written without a heap: the bytes [`uptane::sign::ReportBuilder`] would make.
//!
//! `signatures` stands before `signed` but depends on it, so `signed` is written twice: once into the hash, once into
//! the buffer. No value needs escaping: ids, names, digests and times are of alphabets without `"`, `\` or controls.

use core::fmt::{self, Write};

use sha2::Digest as _;
use uptane::{
    Attack, Counter, EcuId, HardwareId, Nonce, ResultCode, Role, Sha256, Time, TransactionId, VehicleId, Version,
};

use crate::bank::Descriptor;
use crate::state::Ending;
use crate::{EcuKey, Fault};

/// What a report says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'r> {
    pub(crate) ecu: EcuId,
    pub(crate) hardware: HardwareId,
    pub(crate) vehicle: VehicleId,
    pub(crate) counter: Counter,
    pub(crate) time: Time,
    pub(crate) image: &'r Descriptor,
    pub(crate) result: ResultCode,
    pub(crate) attack: Option<Attack>,
    pub(crate) targets: Option<Version>,
    pub(crate) nonce: Nonce,
    pub(crate) transaction: Option<TransactionId>,
}

impl Report<'_> {
    /// Signs the report and writes the file to the front of `buffer`; its length.
    pub(crate) fn write(&self, key: &mut impl EcuKey, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut hash = Hash(sha2::Sha256::new());
        write!(hash, "{self}").map_err(|_| Fault::Storage)?;
        let digest = Sha256(hash.0.finalize().into());
        let signature = key.sign(&digest).ok_or(Fault::Storage)?;
        let mut file = Cursor { buffer, length: 0 };
        let key_id = key.key_id();
        let written = write!(
            file,
            "{{\"signatures\":[{{\"hash\":\"{digest}\",\"hash_function\":\"sha256\",\"keyid\":\"{key_id}\",\
             \"method\":\"ed25519\",\"sig\":\"{}\"}}],\"signed\":{self}}}",
            Hex(&signature)
        );
        written.map(|()| file.length).map_err(|_| Fault::Storage)
    }
}

/// Canonical JSON: the members stand in the order of their names.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ecu, hardware, vehicle, counter, time, image, result, attack, targets, nonce, transaction } = self;
        let Descriptor { name, length, sha256, line: _, counter: release } = image;
        let attack = attack.map_or("none", Attack::word);
        write!(f, "{{\"_type\":\"{}\",\"attack\":\"{attack}\",\"counter\":{counter}", Role::Report.type_name())?;
        write!(f, ",\"ecu\":\"{ecu}\",\"hardware_id\":\"{hardware}\"")?;
        write!(f, ",\"image\":{{\"hashes\":{{\"sha256\":\"{sha256}\"}},\"length\":{length},\"name\":\"{name}\"")?;
        write!(f, ",\"release_counter\":{release}}},\"nonce\":\"{nonce}\",\"result\":\"{result}\"")?;
        write!(f, ",\"targets_version\":{},\"time\":\"{time}\"", targets.map_or(0, Version::get))?;
        if let Some(transaction) = transaction {
            write!(f, ",\"transaction\":\"{transaction}\"")?;
        }
        write!(f, ",\"vehicle\":\"{vehicle}\"}}")
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

struct Hash(sha2::Sha256);

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

struct Cursor<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(fmt::Error)?;
        self.buffer.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

struct Hex<'b>(&'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uptane::hex::write(f, self.0)
    }
}

#[cfg(test)]
mod tests;
