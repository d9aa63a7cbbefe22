//! The routine by which an ECU is asked to take part in a [broadcast](crate::broadcast), and what it says of itself then.

use core::time::Duration;

use uptane::Length;

use super::codec::{Reader, Writer, outcome};
use crate::broadcast::{Member, Session};
use crate::can::{Format, Id};
use crate::isotp::{Framing, Separation};
use crate::secondary::Refusal;

/// What an ECU can take of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever makes a server")]
pub struct Capacity {
    /// Bytes of the longest window.
    pub window: u32,
    /// What it needs between two frames of the image.
    pub separation: Separation,
}

/// What the Primary asks: which broadcast, and the identifier of this ECU's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invitation {
    pub(super) session: Session,
    pub(super) answer: Id,
}

impl Invitation {
    /// Reads the record of the request, which came in frames of this format.
    pub(super) fn read(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let [number, format, length] = reader.array()?;
        let framing = match format {
            CLASSICAL if usize::from(length) == Framing::CLASSICAL.length() => Framing::CLASSICAL,
            FD => Framing::fd(length.into()).ok()?,
            _ => return None,
        };
        let id = id(reader.array()?)?;
        let answer = self::id(reader.array()?).filter(|answer| *answer != id)?;
        reader.end()?;
        Some(Self { session: Session { number, framing, id }, answer })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let Self { session: Session { number, framing, id }, answer } = self;
        let format = match framing.format() {
            Format::Classical => CLASSICAL,
            Format::Fd => FD,
        };
        // A frame has at most 64 bytes.
        let length = u8::try_from(framing.length()).unwrap_or(u8::MAX);
        writer.put(&[*number, format, length]).put(&raw(*id)).put(&raw(*answer));
    }
}

/// Writes what an ECU that joins says of itself.
pub(super) fn put_joined(writer: &mut Writer<'_>, from: Length, capacity: Capacity) {
    let Capacity { window, separation } = capacity;
    writer.put(&from.get().to_be_bytes()).put(&window.to_be_bytes()).put(&[separation.byte()]);
}

/// Reads the answer of an ECU: what it says of itself, or why it does not join.
pub(super) fn joined(record: &[u8], answer: Id) -> Option<Result<Member, Refusal>> {
    match record {
        [JOINED, of_itself @ ..] => of_member(of_itself, answer).map(Ok),
        _ => outcome(record)?.err().map(Err),
    }
}

/// Reads what [`put_joined`] writes.
fn of_member(record: &[u8], answer: Id) -> Option<Member> {
    let mut reader = Reader::new(record);
    let from = reader.length()?;
    let window = u32::from_be_bytes(reader.array()?);
    let [separation] = reader.array()?;
    reader.end()?;
    let separation: Duration = Separation::from_byte(separation).time();
    Some(Member { answer, from, window, separation })
}

/// An identifier in four bytes.
fn raw(id: Id) -> [u8; 4] {
    let flag = if id.is_extended() { EXTENDED } else { 0 };
    (id.raw() | flag).to_be_bytes()
}

fn id(raw: [u8; 4]) -> Option<Id> {
    let raw = u32::from_be_bytes(raw);
    match raw & EXTENDED {
        0 => Id::standard(u16::try_from(raw).ok()?).ok(),
        _ => Id::extended(raw & !EXTENDED).ok(),
    }
}

/// Bytes of an invitation.
pub(super) const INVITATION: usize = 11;
/// The outcome of an ECU that joins.
const JOINED: u8 = 0;
/// Frames of 8 bytes, one bit rate.
const CLASSICAL: u8 = 0;
/// Frames of up to 64 bytes, with bit rate switch.
const FD: u8 = 1;
/// The bit of an identifier that says that it has 29 bits.
const EXTENDED: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn any_id() -> impl Strategy<Value = Id> {
        prop_oneof![
            (0_u16..0x800).prop_map(|id| Id::standard(id).unwrap()),
            (0_u32..1 << 29).prop_map(|id| Id::extended(id).unwrap()),
        ]
    }

    fn written(put: impl Fn(&mut Writer<'_>)) -> Vec<u8> {
        let mut buffer = [0; 32];
        let mut writer = Writer::new(&mut buffer);
        put(&mut writer);
        let len = writer.written().unwrap();
        buffer[..len].to_vec()
    }

    #[test]
    fn an_invitation_has_the_bytes_of_the_documentation() {
        let (id, answer) = (Id::standard(0x6a5).unwrap(), Id::extended(0x18da_10f1).unwrap());
        let session = Session { number: 7, framing: Framing::CLASSICAL, id };
        let bytes = written(|writer| Invitation { session, answer }.write(writer));
        assert_eq!(bytes, [7, 0, 8, 0, 0, 6, 0xa5, 0x98, 0xda, 0x10, 0xf1]);
    }

    proptest! {
        #[test]
        fn an_invitation_and_its_answer_arrive_as_they_were_said(
            number in any::<u8>(), id in any_id(), answer in any_id(), length in 0_usize..9,
            from in 0_u64..1 << 32, window in any::<u32>(), separation in 0_u8..0x80,
        ) {
            prop_assume!(id != answer);
            let framing = match [8, 12, 16, 20, 24, 32, 48, 64].get(length) {
                Some(length) => Framing::fd(*length).unwrap(),
                None => Framing::CLASSICAL,
            };
            let invitation = Invitation { session: Session { number, framing, id }, answer };
            let bytes = written(|writer| invitation.write(writer));
            prop_assert_eq!(Invitation::read(&bytes), Some(invitation));
            let (from, separation) = (Length::new(from).unwrap(), Separation::from_byte(separation));
            let bytes = written(|writer| put_joined(writer, from, Capacity { window, separation }));
            let member = Member { answer, from, window, separation: separation.time() };
            prop_assert_eq!(joined(&[&[0], &bytes[..]].concat(), answer), Some(Ok(member)));
            prop_assert_eq!(joined(&[4], answer), Some(Err(Refusal::Phase)));
        }

        #[test]
        fn no_record_is_read_as_an_invitation_that_would_be_written_otherwise(
            record in proptest::collection::vec(any::<u8>(), 11), classical in any::<bool>()
        ) {
            let mut record = record;
            (record[1], record[2]) = if classical { (0, 8) } else { (record[1] & 1, record[2]) };
            (record[3], record[4], record[7], record[8]) = (0, 0, record[7] & 0x9f, record[8]);
            if let Some(invitation) = Invitation::read(&record) {
                prop_assert_eq!(written(|writer| invitation.write(writer)), record);
            }
        }
    }
}
