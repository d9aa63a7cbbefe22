//! CAN frames, classical (up to 8 bytes) and FD with bit rate switch (up to 64), bit by bit, and the exact time each takes.

mod bits;
mod count;
mod crc;
mod decoder;

pub use bits::{
    BitRates, Confinement, FrameBits, Rate, bus_time, frame_bits, frame_bits_from, wire_bits, wire_bits_from,
};
pub use decoder::{Decoder, Fault, Field, Heard};

use uptane::told;

use crate::Error;

/// Identifier of a frame: who wins the bus, and where the frame goes.
///
/// Ordered as arbitration orders them: the lesser identifier wins the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    // The field order is the order on the wire: base, then IDE (dominant in a standard frame), then the extension.
    base: u16,
    extension: Option<u32>,
}

impl Id {
    /// An 11-bit identifier.
    pub fn standard(id: u16) -> Result<Self, Error> {
        let fits = id <= MAX_STANDARD;
        fits.then_some(Self { base: id, extension: None }).ok_or(Error::BadCanId { id: told(u32::from(id)) })
    }

    /// A 29-bit identifier.
    pub fn extended(id: u32) -> Result<Self, Error> {
        let base = u16::try_from(id >> EXTENSION_BITS).ok().filter(|base| *base <= MAX_STANDARD);
        let extension = Some(id & MAX_EXTENSION);
        base.map(|base| Self { base, extension }).ok_or(Error::BadCanId { id: told(id) })
    }

    /// The 29-bit identifier that ISO 15765-2, 10.3 (and SAE J1939-21) make of addresses: priority (3 bits), two zeros, PDU
    /// format, target, source.
    pub(crate) fn addressed(priority: u8, format: u8, target: u8, source: u8) -> Self {
        let base = u16::from(priority & 7) << 8 | u16::from(format >> 2);
        let extension = u32::from(format & 3) << 16 | u32::from(target) << 8 | u32::from(source);
        Self { base, extension: Some(extension) }
    }

    /// The number, of 11 or 29 bits.
    pub fn raw(self) -> u32 {
        let base = u32::from(self.base);
        self.extension.map_or(base, |extension| base << EXTENSION_BITS | extension)
    }

    /// Whether it has 29 bits.
    pub fn is_extended(self) -> bool {
        self.extension.is_some()
    }
}

/// One data or remote frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    id: Id,
    format: Format,
    remote: bool,
    len: usize,
    data: [u8; MAX_DATA],
}

/// Which of the two frame formats of ISO 11898-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ISO 11898-1:2015 has these two, and both must be handled")]
pub enum Format {
    /// Classical CAN: up to 8 bytes, one bit rate.
    Classical,
    /// CAN FD with bit rate switch: up to 64 bytes.
    Fd,
}

impl Frame {
    /// A classical frame of at most 8 bytes.
    pub fn classical(id: Id, data: &[u8]) -> Result<Self, Error> {
        Self::new(id, Format::Classical, data)
    }

    /// An FD frame: 0 to 8, 12, 16, 20, 24, 32, 48 or 64 bytes.
    pub fn fd(id: Id, data: &[u8]) -> Result<Self, Error> {
        Self::new(id, Format::Fd, data)
    }

    /// A frame of this format, if the format has frames of this length.
    pub fn new(id: Id, format: Format, data: &[u8]) -> Result<Self, Error> {
        let len = data.len();
        let most = match format {
            Format::Classical => MAX_CLASSICAL,
            Format::Fd => MAX_DATA,
        };
        let mut bytes = [0; MAX_DATA];
        let place = bytes.get_mut(..len).filter(|_| len <= most && data_length_code(len).is_some());
        place.ok_or(Error::BadFrameLength { len: told(len) })?.copy_from_slice(data);
        Ok(Self { id, format, remote: false, len, data: bytes })
    }

    /// A classical frame that asks for `len` bytes, at most 8, and has none.
    pub fn remote(id: Id, len: usize) -> Result<Self, Error> {
        let fits = len <= MAX_CLASSICAL;
        let frame = Self { id, format: Format::Classical, remote: true, len, data: [0; MAX_DATA] };
        fits.then_some(frame).ok_or(Error::BadFrameLength { len: told(len) })
    }

    /// Reads the datagram form that [`Frame::encode`] writes.
    pub fn decode(datagram: &[u8]) -> Result<Self, Error> {
        let Some((&[flags, a, b, c, d, len], data)) = datagram.split_first_chunk() else {
            return Err(Error::BadFrame);
        };
        let raw = u32::from_be_bytes([a, b, c, d]);
        let id = match flags & EXTENDED {
            0 => Id::standard(u16::try_from(raw).map_err(|_| Error::BadCanId { id: told(raw) })?)?,
            _ => Id::extended(raw)?,
        };
        let format = if flags & FD == 0 { Format::Classical } else { Format::Fd };
        match flags & !EXTENDED {
            0 | FD if data.len() == usize::from(len) => Self::new(id, format, data),
            REMOTE if data.is_empty() => Self::remote(id, len.into()),
            _ => Err(Error::BadFrame),
        }
    }

    /// The datagram form, for carriers that are not a CAN bus: flags (bit 0: 29-bit identifier, bit 1: FD, bit 2: remote),
    /// identifier (4 bytes, big endian), number of data bytes, data, of which a remote frame has none.
    pub fn encode<'b>(&self, datagram: &'b mut [u8; MAX_DATAGRAM]) -> &'b [u8] {
        let (head, data) = datagram.split_at_mut(HEAD);
        let flags = if self.id.is_extended() { EXTENDED } else { 0 }
            | if self.is_fd() { FD } else { 0 }
            | if self.remote { REMOTE } else { 0 };
        let [a, b, c, d] = self.id.raw().to_be_bytes();
        // `new` bounded the length by `MAX_DATA`, so it is a byte.
        let len = u8::try_from(self.len).unwrap_or(u8::MAX);
        head.copy_from_slice(&[flags, a, b, c, d, len]);
        data.copy_from_slice(&self.data);
        datagram.get(..HEAD + self.data().len()).unwrap_or_default()
    }

    /// The identifier.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it is an FD frame.
    pub fn is_fd(&self) -> bool {
        self.format == Format::Fd
    }

    /// Whether it asks for data instead of having some.
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    /// How many bytes its data length code says: those it has, or those it asks for.
    pub fn length(&self) -> usize {
        self.len
    }

    /// The data; a remote frame has none.
    pub fn data(&self) -> &[u8] {
        let len = if self.remote { 0 } else { self.len };
        // The constructors bounded the length.
        self.data.get(..len).unwrap_or_default()
    }

    /// What arbitration compares, in the order of the wire; of two frames, the one with the lesser value wins the bus.
    ///
    /// From the high bit on: base identifier (11), RTR or SRR, IDE, extension (18), RTR of an extended frame. After the
    /// base a data frame wins over a remote one, and that over an extended one.
    pub fn arbitration(&self) -> u32 {
        let base = u32::from(self.id.base) << 21;
        let remote = u32::from(self.remote);
        match self.id.extension {
            None => base | remote << 20,
            Some(extension) => base | 0b11 << 19 | extension << 1 | remote,
        }
    }
}

impl core::fmt::Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let format = match (self.is_fd(), self.remote) {
            (true, _) => "##",
            (false, true) => "#R",
            (false, false) => "#",
        };
        write!(f, "{:x}{format}", self.id.raw())?;
        self.data().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The data length code of a frame with `len` bytes; `None` if no frame has so many.
fn data_length_code(len: usize) -> Option<u8> {
    LENGTHS.iter().position(|length| *length == len).and_then(|code| u8::try_from(code).ok())
}

/// The shortest frame length that holds `len` bytes; `None` if none does.
pub(crate) fn frame_length(len: usize) -> Option<usize> {
    LENGTHS.iter().copied().find(|length| *length >= len)
}

/// Data bytes of the longest frame.
pub const MAX_DATA: usize = 64;
/// Bytes of the longest datagram form.
pub const MAX_DATAGRAM: usize = HEAD + MAX_DATA;
/// Data bytes of the longest classical frame.
const MAX_CLASSICAL: usize = 8;
/// Bytes before the data in the datagram form.
const HEAD: usize = 6;
/// Flag: the identifier has 29 bits.
const EXTENDED: u8 = 1;
/// Flag: the frame is FD.
const FD: u8 = 2;
/// Flag: the frame is remote.
const REMOTE: u8 = 4;
const MAX_STANDARD: u16 = 0x7ff;
const EXTENSION_BITS: u32 = 18;
const MAX_EXTENSION: u32 = (1 << EXTENSION_BITS) - 1;
/// Data bytes by data length code.
const LENGTHS: [usize; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_lesser_identifier_wins_and_a_standard_one_wins_over_an_extended_one_of_the_same_base() {
        let order =
            [Id::standard(0x100), Id::extended(0x100 << 18), Id::extended(0x100 << 18 | 1), Id::standard(0x101)];
        assert!(order.map(Result::unwrap).is_sorted());
    }

    #[test]
    fn after_the_base_data_wins_over_remote_and_remote_over_extended() {
        let (standard, extended) = (Id::standard(0x100).unwrap(), Id::extended(0x100 << 18).unwrap());
        let order = [
            Frame::classical(standard, &[]).unwrap(),
            Frame::remote(standard, 0).unwrap(),
            Frame::classical(extended, &[]).unwrap(),
            Frame::remote(extended, 0).unwrap(),
            Frame::classical(Id::extended(0x100 << 18 | 1).unwrap(), &[]).unwrap(),
            Frame::classical(Id::standard(0x101).unwrap(), &[]).unwrap(),
        ];
        assert!(order.map(|frame| frame.arbitration()).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn identifiers_wider_than_their_format_are_refused() {
        assert_eq!(Id::standard(0x800), Err(Error::BadCanId { id: 0x800 }));
        assert_eq!(Id::extended(1 << 29), Err(Error::BadCanId { id: 1 << 29 }));
        assert_eq!(Id::extended(0x18da_10f1).unwrap().raw(), 0x18da_10f1);
    }

    #[test]
    fn a_frame_has_only_lengths_of_its_format() {
        let id = Id::standard(1).unwrap();
        assert_eq!(Frame::classical(id, &[0; 9]), Err(Error::BadFrameLength { len: 9 }));
        assert_eq!(Frame::fd(id, &[0; 9]), Err(Error::BadFrameLength { len: 9 }));
        assert_eq!(Frame::classical(id, &[0; 12]), Err(Error::BadFrameLength { len: 12 }));
        assert!(Frame::fd(id, &[0; 12]).is_ok());
        assert_eq!(Frame::fd(id, &[0; 65]), Err(Error::BadFrameLength { len: 65 }));
    }

    pub(super) fn any_frame() -> impl Strategy<Value = Frame> {
        let id = prop_oneof![
            (0..=MAX_STANDARD).prop_map(|id| Id::standard(id).unwrap()),
            (0_u32..1 << 29).prop_map(|id| Id::extended(id).unwrap()),
        ];
        let data = (0_usize..16, proptest::collection::vec(any::<u8>(), MAX_DATA));
        (id, data, 0..5).prop_map(|(id, (code, data), kind)| match kind {
            0 => Frame::remote(id, code.min(MAX_CLASSICAL)).unwrap(),
            1 | 2 => Frame::fd(id, &data[..LENGTHS[code]]).unwrap(),
            _ => Frame::classical(id, &data[..code.min(MAX_CLASSICAL)]).unwrap(),
        })
    }

    proptest! {
        #[test]
        fn every_frame_survives_its_datagram_form(frame in any_frame()) {
            let mut datagram = [0; MAX_DATAGRAM];
            prop_assert_eq!(Frame::decode(frame.encode(&mut datagram)), Ok(frame));
        }

        #[test]
        fn no_datagram_is_read_as_a_frame_that_would_be_written_otherwise(
            datagram in proptest::collection::vec(any::<u8>(), 0..80)
        ) {
            if let Ok(frame) = Frame::decode(&datagram) {
                let mut again = [0; MAX_DATAGRAM];
                prop_assert_eq!(frame.encode(&mut again), &datagram[..]);
            }
        }
    }
}
