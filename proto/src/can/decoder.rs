//! What a receiver makes of the bits on the wire: the counterpart of [`wire_bits`](super::wire_bits).
//!
//! A controller hands over every bit it sees, its own included, from start of frame on, and learns which field the next
//! one belongs to, which faults there are, and when the frame counts. FD frames without bit rate switch are not spoken
//! here, so their BRS bit is a form error; a fixed stuff bit that is not the opposite of the bit before it is one too.

use super::crc::Crc;
use super::{Format, Frame, Id, LENGTHS, MAX_CLASSICAL, MAX_DATA, Rate};

/// The field a bit belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ISO 11898-1 has these fields, and a controller must know each")]
pub enum Field {
    /// Start of frame.
    Start,
    /// The first eleven bits of the identifier.
    Base,
    /// RTR of a standard frame, SRR of an extended one, RRS of a standard FD frame.
    Remote,
    /// Whether the identifier has an extension.
    Extended,
    /// The other eighteen bits of the identifier.
    Extension,
    /// RTR or RRS of an extended frame.
    ExtendedRemote,
    /// FDF, which in classical frames is reserved and dominant.
    Format,
    /// The reserved bit after FDF.
    Reserved,
    /// BRS: the bit rate changes here.
    RateSwitch,
    /// ESI: whether the sender is error passive.
    ErrorState,
    /// Data length code.
    Length,
    /// Data.
    Data,
    /// How many stuff bits an FD frame had.
    StuffCount,
    /// The checksum.
    Crc,
    /// The recessive bit after it.
    CrcDelimiter,
    /// The slot in which receivers send dominant.
    Ack,
    /// The recessive bit after it.
    AckDelimiter,
    /// The seven recessive bits at the end.
    End,
}

impl Field {
    /// Whether a sender that sees dominant in place of its recessive bit has lost the bus.
    pub fn is_arbitration(self) -> bool {
        matches!(self, Self::Base | Self::Remote | Self::Extended | Self::Extension | Self::ExtendedRemote)
    }
}

/// What a bit was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a controller must handle each")]
pub enum Heard {
    /// A bit of the frame.
    Bit,
    /// A stuff bit.
    Stuff,
    /// The last bit but one: for a receiver the frame is valid.
    Valid,
    /// The last bit: for its sender the frame is valid too.
    End,
}

/// Why the bits are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ISO 11898-1 has these, and a controller must handle each")]
pub enum Fault {
    /// The checksum or the stuff count is wrong; said at the ACK delimiter, as receivers may say it only after it.
    Crc,
    /// A bit that must have one value has the other.
    Form,
    /// The last bit of the frame is dominant: an error for its sender, overload for a receiver.
    LastBit,
    /// A sixth equal bit.
    Stuff,
}

/// Reads one frame.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    fd_capable: bool,
    field: Field,
    /// Bits of the field still to come, and the value of those that came.
    left: u32,
    value: u32,
    stuffing: Stuffing,
    checks: Checks,
    format: Format,
    base: u16,
    extension: Option<u32>,
    remote: bool,
    length: usize,
    data: [u8; MAX_DATA],
    have: usize,
}

/// The run of equal bits, how many stuff bits broke one, and how many bits there are until the next fixed stuff bit.
#[derive(Clone, Copy, Debug)]
struct Stuffing {
    last: bool,
    run: u32,
    inserted: u32,
    until_fixed: u32,
}

/// The checksums of all formats, until it is known which counts.
#[derive(Clone, Copy, Debug)]
struct Checks {
    crc15: Crc,
    crc17: Crc,
    crc21: Crc,
    right: bool,
}

impl Decoder {
    /// Awaits the start of a frame of either format.
    pub fn new() -> Self {
        Self::with(true)
    }

    /// Awaits the start of a classical frame; FD frames are faulty.
    pub fn classical() -> Self {
        Self::with(false)
    }

    fn with(fd_capable: bool) -> Self {
        Self {
            fd_capable,
            field: Field::Start,
            left: 1,
            value: 0,
            stuffing: Stuffing { last: true, run: 0, inserted: 0, until_fixed: 0 },
            checks: Checks { crc15: Crc::CRC_15, crc17: Crc::CRC_17, crc21: Crc::CRC_21, right: true },
            format: Format::Classical,
            base: 0,
            extension: None,
            remote: false,
            length: 0,
            data: [0; MAX_DATA],
            have: 0,
        }
    }

    /// Takes the next bit; `true` is recessive. After a fault nothing more is to be handed over.
    pub fn push(&mut self, bit: bool) -> Result<Heard, Fault> {
        if self.expects_stuff_bit() {
            return self.stuff_bit(bit);
        }
        if self.in_fixed_stuffing() {
            if self.stuffing.until_fixed == 0 {
                return self.fixed_stuff_bit(bit);
            }
            self.stuffing.until_fixed -= 1;
        }
        self.checks.push(self.field, bit);
        self.stuffing.run = if self.stuffing.run > 0 && bit == self.stuffing.last { self.stuffing.run + 1 } else { 1 };
        self.stuffing.last = bit;
        self.value = self.value << 1 | u32::from(bit);
        self.left = self.left.saturating_sub(1);
        self.fixed_form(bit)?;
        match (self.field, self.left) {
            (Field::End, 0) => return Ok(Heard::End),
            (Field::End, 1) => return Ok(Heard::Valid),
            (_, 0) => self.end_field(bit),
            _ => {}
        }
        Ok(Heard::Bit)
    }

    /// The field of the next bit, or that a stuff bit comes before.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The rate of the next bit.
    pub fn rate(&self) -> Rate {
        let data =
            matches!(self.field, Field::ErrorState | Field::Length | Field::Data | Field::StuffCount | Field::Crc);
        if data && self.format == Format::Fd { Rate::Data } else { Rate::Nominal }
    }

    /// Whether the next bit is one that a run of five equal bits calls for.
    pub fn expects_stuff_bit(&self) -> bool {
        let never = matches!(self.field, Field::StuffCount | Field::Ack | Field::AckDelimiter | Field::End);
        // After the checksum of a classical frame there may be one.
        let checksum = matches!(self.field, Field::Crc | Field::CrcDelimiter);
        self.stuffing.run == 5 && !never && !(checksum && self.format == Format::Fd)
    }

    /// Whether the next bit is the ACK slot of a frame that has been right so far.
    pub fn acknowledges(&self) -> bool {
        self.field == Field::Ack && self.checks.right
    }

    /// The frame, once its end has begun.
    pub fn frame(&self) -> Option<Frame> {
        let id = match self.extension {
            None => Id::standard(self.base),
            Some(extension) => Id::extended(u32::from(self.base) << 18 | extension),
        };
        if self.field != Field::End {
            return None;
        }
        match self.remote && self.format == Format::Classical {
            true => Frame::remote(id.ok()?, self.length).ok(),
            false => Frame::new(id.ok()?, self.format, self.data.get(..self.length)?).ok(),
        }
    }

    fn in_fixed_stuffing(&self) -> bool {
        self.format == Format::Fd && matches!(self.field, Field::StuffCount | Field::Crc)
    }

    fn stuff_bit(&mut self, bit: bool) -> Result<Heard, Fault> {
        if bit == self.stuffing.last {
            return Err(Fault::Stuff);
        }
        // Only the checksums of FD frames cover stuff bits.
        self.checks.crc17.push(bit);
        self.checks.crc21.push(bit);
        self.stuffing = Stuffing { last: bit, run: 1, inserted: self.stuffing.inserted + 1, ..self.stuffing };
        Ok(Heard::Stuff)
    }

    fn fixed_stuff_bit(&mut self, bit: bool) -> Result<Heard, Fault> {
        if bit == self.stuffing.last {
            return Err(Fault::Form);
        }
        self.stuffing.last = bit;
        self.stuffing.until_fixed = 4;
        Ok(Heard::Stuff)
    }

    /// Bits that can have one value only.
    fn fixed_form(&self, bit: bool) -> Result<(), Fault> {
        let dominant =
            matches!(self.field, Field::Start | Field::Reserved) || self.field == Field::Format && !self.fd_capable;
        let recessive =
            matches!(self.field, Field::RateSwitch | Field::CrcDelimiter | Field::AckDelimiter | Field::End);
        if self.field == Field::End && self.left == 0 && !bit {
            return Err(Fault::LastBit);
        }
        if dominant && bit || recessive && !bit {
            return Err(Fault::Form);
        }
        let wrong = self.field == Field::AckDelimiter && !self.checks.right;
        if wrong { Err(Fault::Crc) } else { Ok(()) }
    }

    /// Keeps the value of the field that is complete, and goes on to the next.
    fn end_field(&mut self, bit: bool) {
        let (next, bits) = match self.field {
            Field::Start => (Field::Base, 11),
            Field::Base => {
                self.base = u16::try_from(self.value).unwrap_or_default();
                (Field::Remote, 1)
            }
            Field::Remote => {
                self.remote = bit;
                (Field::Extended, 1)
            }
            Field::Extended if bit => (Field::Extension, 18),
            Field::Extended => (Field::Format, 1),
            Field::Extension => {
                self.extension = Some(self.value);
                (Field::ExtendedRemote, 1)
            }
            Field::ExtendedRemote => {
                self.remote = bit;
                (Field::Format, 1)
            }
            Field::Format => self.after_format(bit),
            Field::Reserved if self.format == Format::Classical => (Field::Length, 4),
            Field::Reserved => (Field::RateSwitch, 1),
            Field::RateSwitch => (Field::ErrorState, 1),
            Field::ErrorState => (Field::Length, 4),
            Field::Length => self.after_length(),
            Field::Data => self.after_byte(),
            Field::StuffCount => {
                self.checks.right = self.value == stuff_count(self.stuffing.inserted);
                (Field::Crc, self.checks.of(self.format, self.length).0)
            }
            Field::Crc => {
                self.checks.right &= self.value == self.checks.of(self.format, self.length).1;
                (Field::CrcDelimiter, 1)
            }
            Field::CrcDelimiter => (Field::Ack, 1),
            Field::Ack => (Field::AckDelimiter, 1),
            Field::AckDelimiter | Field::End => (Field::End, 7),
        };
        (self.field, self.left, self.value) = (next, bits, 0);
    }

    /// An extended classical frame has a second reserved bit, an FD frame has it in any case.
    fn after_format(&mut self, bit: bool) -> (Field, u32) {
        self.format = if bit { Format::Fd } else { Format::Classical };
        match bit || self.extension.is_some() {
            true => (Field::Reserved, 1),
            false => (Field::Length, 4),
        }
    }

    fn after_length(&mut self) -> (Field, u32) {
        let code = usize::try_from(self.value).unwrap_or_default();
        let length = LENGTHS.get(code).copied().unwrap_or_default();
        // Codes above 8 mean 8 in a classical frame.
        self.length = if self.format == Format::Classical { length.min(MAX_CLASSICAL) } else { length };
        match self.length == 0 || self.remote && self.format == Format::Classical {
            true => self.after_data(),
            false => (Field::Data, 8),
        }
    }

    fn after_byte(&mut self) -> (Field, u32) {
        if let Some(place) = self.data.get_mut(self.have) {
            *place = u8::try_from(self.value).unwrap_or_default();
        }
        self.have += 1;
        if self.have < self.length { (Field::Data, 8) } else { self.after_data() }
    }

    fn after_data(&self) -> (Field, u32) {
        match self.format {
            Format::Classical => (Field::Crc, self.checks.crc15.value().0),
            Format::Fd => (Field::StuffCount, 4),
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Checks {
    fn push(&mut self, field: Field, bit: bool) {
        let covered =
            !matches!(field, Field::Crc | Field::CrcDelimiter | Field::Ack | Field::AckDelimiter | Field::End);
        if !covered {
            return;
        }
        if field != Field::StuffCount {
            self.crc15.push(bit);
        }
        self.crc17.push(bit);
        self.crc21.push(bit);
    }

    /// Width and value of the checksum that a frame of this format and length has.
    fn of(&self, format: Format, length: usize) -> (u32, u32) {
        match (format, length) {
            (Format::Classical, _) => self.crc15,
            (Format::Fd, 0..=16) => self.crc17,
            (Format::Fd, _) => self.crc21,
        }
        .value()
    }
}

/// The four bits in which an FD frame says how many stuff bits it had: the count, Gray coded, and its parity.
pub(super) fn stuff_count(inserted: u32) -> u32 {
    let count = inserted % 8;
    let gray = count ^ count >> 1;
    (gray << 1) | (gray.count_ones() % 2)
}

#[cfg(test)]
mod tests;
