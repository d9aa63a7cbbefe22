//! Who a frame is from and for (ISO 15765-2, 10.3): its identifier says so and, in three of the formats, the first byte of
//! its data.

use uptane::told;

use crate::Error;
use crate::can::{Frame, Id};

/// The addressing format of a session, with the addresses of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ISO 15765-2 has these five, and each must be handled")]
pub enum Addressing {
    /// Normal: an identifier for each direction says all.
    Normal {
        /// Identifier of the frames sent.
        send: Id,
        /// Identifier of the frames received.
        receive: Id,
    },
    /// Normal fixed: 29-bit identifiers made of both addresses, 18DA and then target and source.
    NormalFixed {
        /// Who wins the bus, for the frames sent; frames of any priority are taken.
        priority: Priority,
        /// Address of this end.
        own: u8,
        /// Address of the other end.
        peer: u8,
    },
    /// Extended: the address of the end that a frame is for is the first byte of its data.
    Extended {
        /// Identifier of the frames sent.
        send: Id,
        /// Identifier of the frames received.
        receive: Id,
        /// Address of this end.
        own: u8,
        /// Address of the other end.
        peer: u8,
    },
    /// Mixed, with an identifier for each direction (11 bits in the standard): the first byte of the data is an address
    /// extension, the same in both directions.
    Mixed11 {
        /// Identifier of the frames sent.
        send: Id,
        /// Identifier of the frames received.
        receive: Id,
        /// The address extension (N_AE).
        extension: u8,
    },
    /// Mixed, with 29-bit identifiers made of both addresses, 18CE and then target and source; the first byte of the data is
    /// an address extension, the same in both directions.
    Mixed29 {
        /// Who wins the bus, for the frames sent; frames of any priority are taken.
        priority: Priority,
        /// Address of this end.
        own: u8,
        /// Address of the other end.
        peer: u8,
        /// The address extension (N_AE).
        extension: u8,
    },
}

/// What the frames of one direction have in common: their identifier and, in three of the formats, the first byte of their
/// data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    id: Id,
    /// The identifier bits that count when a frame arrives.
    mask: u32,
    byte: Option<u8>,
}

/// The priority of a 29-bit identifier that is made of addresses: 0 wins the bus, 7 loses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(u8);

impl Addressing {
    /// Of the frames this end sends.
    pub fn send(&self) -> Address {
        match *self {
            Self::Normal { send, .. } => Address::normal(send),
            Self::NormalFixed { priority, own, peer } => Address::fixed(priority, PHYSICAL, peer, own, None),
            Self::Extended { send, peer, .. } => Address::extended(send, peer),
            Self::Mixed11 { send, extension, .. } => Address::mixed_11(send, extension),
            Self::Mixed29 { priority, own, peer, extension } => {
                Address::fixed(priority, MIXED_PHYSICAL, peer, own, Some(extension))
            }
        }
    }

    /// Of the frames this end takes.
    pub fn receive(&self) -> Address {
        match *self {
            Self::Normal { receive, .. } => Address::normal(receive),
            Self::NormalFixed { priority, own, peer } => Address::fixed(priority, PHYSICAL, own, peer, None),
            Self::Extended { receive, own, .. } => Address::extended(receive, own),
            Self::Mixed11 { receive, extension, .. } => Address::mixed_11(receive, extension),
            Self::Mixed29 { priority, own, peer, extension } => {
                Address::fixed(priority, MIXED_PHYSICAL, own, peer, Some(extension))
            }
        }
    }
}

impl Address {
    /// An identifier and no byte.
    pub fn normal(id: Id) -> Self {
        Self { id, mask: u32::MAX, byte: None }
    }

    /// An identifier, and the address of whom the frame is for as the first byte.
    pub fn extended(id: Id, target: u8) -> Self {
        Self { byte: Some(target), ..Self::normal(id) }
    }

    /// An identifier, and an address extension as the first byte.
    pub fn mixed_11(id: Id, extension: u8) -> Self {
        Self { byte: Some(extension), ..Self::normal(id) }
    }

    /// The address of a group in normal fixed addressing: 18DB, group, source.
    pub fn functional_fixed(priority: Priority, group: u8, source: u8) -> Self {
        Self::fixed(priority, FUNCTIONAL, group, source, None)
    }

    /// The address of a group in mixed addressing with 29-bit identifiers: 18CD, group, source, and an address extension.
    pub fn functional_mixed_29(priority: Priority, group: u8, source: u8, extension: u8) -> Self {
        Self::fixed(priority, MIXED_FUNCTIONAL, group, source, Some(extension))
    }

    /// The identifier; a frame that arrives may differ from it where [`Address::mask`] has zeros.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The bits of the identifier that count when a frame arrives: all but those of a priority. For acceptance filters.
    pub fn mask(&self) -> u32 {
        self.mask
    }

    /// The first byte of the data, in the formats that have one.
    pub fn byte(&self) -> Option<u8> {
        self.byte
    }

    fn fixed(priority: Priority, format: u8, target: u8, source: u8, byte: Option<u8>) -> Self {
        Self { id: Id::addressed(priority.0, format, target, source), mask: !PRIORITY_BITS, byte }
    }

    /// How many bytes of the data the address takes: none or one.
    pub(super) fn width(&self) -> usize {
        usize::from(self.byte.is_some())
    }

    /// The data of a frame after the address byte; `None` if the frame has another address.
    pub(super) fn pdu<'f>(&self, frame: &'f Frame) -> Option<&'f [u8]> {
        match (self.byte, frame.data()) {
            _ if !self.takes(frame.id()) => None,
            (None, data) => Some(data),
            (Some(byte), [first, pdu @ ..]) if *first == byte => Some(pdu),
            (Some(_), _) => None,
        }
    }

    /// Whether a frame could have both addresses.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let same_byte = match (self.byte, other.byte) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        let different = (self.id.raw() ^ other.id.raw()) & self.mask & other.mask;
        same_byte && self.id.is_extended() == other.id.is_extended() && different == 0
    }

    fn takes(&self, id: Id) -> bool {
        id.is_extended() == self.id.is_extended() && id.raw() & self.mask == self.id.raw() & self.mask
    }
}

impl Priority {
    /// What ISO 15765-2 recommends: 6.
    pub const DEFAULT: Self = Self(6);

    /// 0 to 7.
    pub fn new(priority: u8) -> Result<Self, Error> {
        (priority <= 7).then_some(Self(priority)).ok_or(Error::BadPriority { priority: told(priority) })
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// PDU format of normal fixed addressing to one end.
const PHYSICAL: u8 = 0xda;
/// PDU format of normal fixed addressing to a group.
const FUNCTIONAL: u8 = 0xdb;
/// PDU format of mixed addressing to one end.
const MIXED_PHYSICAL: u8 = 0xce;
/// PDU format of mixed addressing to a group.
const MIXED_FUNCTIONAL: u8 = 0xcd;
/// Where the priority stands in a 29-bit identifier.
const PRIORITY_BITS: u32 = 7 << 26;
