//! Banks: what an image is called and how long it is stands in a header before it. Where there is a single bank it has the
//! headers of both images.
//!
//! The header stands in the first bytes of its own erase unit; `docs/pouf.md` §18 has them one by one. It is written
//! before the image, so that a download can go on after a reset; it authorises nothing. What a bank may boot says the state
//! record alone, by digest.

use uptane::{ImageLine, Length, ReleaseCounter, Sha256, Sha256Hash, TargetName, TargetNameBuf};

use crate::Fault;
use crate::flash::{Bank, Flash, MAX_WRITE_UNIT, Store, size};
use crate::state::codec::{Codec, SEAL, seal, unseal};

const MAGIC: [u8; 4] = *b"CVH1";
const NAME: usize = uptane::limits::MAX_TARGET_NAME;
const LINE: usize = uptane::limits::MAX_ID;
const BODY_SIZE: usize = 4 + (1 + NAME) + 8 + 32 + (1 + LINE) + 8;
const HEADER_SIZE: usize = BODY_SIZE + SEAL;
const PADDED_SIZE: usize = HEADER_SIZE.next_multiple_of(MAX_WRITE_UNIT);

/// The image in a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name in both repositories.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// The line its release counter counts in.
    pub line: ImageLine,
    /// Its release counter.
    pub counter: ReleaseCounter,
}

/// What is left of an image that was checked where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its digest.
    pub sha256: Sha256,
    /// Its bytes.
    pub length: u32,
}

impl Descriptor {
    /// What an image is that was found to be the one that is described.
    pub fn content(&self) -> Result<Content, Fault> {
        Ok(Content { sha256: self.sha256, length: self.flash_length()? })
    }

    /// Its length as a flash offset; an image longer than any flash is refused.
    pub fn flash_length(&self) -> Result<u32, Fault> {
        u32::try_from(self.length.get()).map_err(|_| Fault::TooLong)
    }
}

impl<F: Flash> Store<F> {
    /// What the header of `bank` says; `None` if it says nothing.
    #[inline(never)]
    pub fn descriptor(&mut self, bank: Bank) -> Result<Option<Descriptor>, Fault> {
        let area = self.layout().header(self.erase_unit(), bank);
        let mut header = [0; HEADER_SIZE];
        self.read(area, 0, &mut header)?;
        Ok(decode(&header).ok())
    }

    /// Writes the header of `bank`, over the one that stands there.
    #[inline(never)]
    pub fn describe(&mut self, bank: Bank, descriptor: &Descriptor) -> Result<(), Fault> {
        let area = self.layout().header(self.erase_unit(), bank);
        self.erase(area, 0, area.size())?;
        let header = encode(descriptor)?;
        let length = HEADER_SIZE.next_multiple_of(self.write_unit());
        self.write(area, 0, header.get(..length).ok_or(Fault::Storage)?)
    }

    /// The digest of the image in `bank`, read from its first to its last byte; `None` if no header describes one.
    #[inline(never)]
    pub fn digest(&mut self, bank: Bank, buffer: &mut [u8]) -> Result<Option<Sha256>, Fault> {
        let Some(descriptor) = self.descriptor(bank)? else { return Ok(None) };
        let area = self.layout().bank(self.erase_unit(), bank);
        let length = descriptor.flash_length()?;
        if length > area.size() {
            return Ok(None);
        }
        let mut hash = Sha256Hash::default();
        self.stream(area, 0, length, buffer, |piece| {
            hash.update(piece);
            Ok(())
        })?;
        Ok(Some(hash.finish()))
    }
}

/// Bytes of the longest image a bank holds, as a length metadata can be compared with.
pub fn holds<F: Flash>(store: &Store<F>, length: Length) -> bool {
    usize::try_from(length.get()).is_ok_and(|length| length <= size(store.layout().bank_size))
}

#[inline(never)]
fn encode(descriptor: &Descriptor) -> Result<[u8; PADDED_SIZE], Fault> {
    let mut header = [0xff; PADDED_SIZE];
    let front = header.first_chunk_mut::<HEADER_SIZE>().ok_or(Fault::Storage)?;
    go_over(Some(descriptor), Codec::writer(front))?;
    seal(front)?;
    Ok(header)
}

fn decode(header: &[u8; HEADER_SIZE]) -> Result<Descriptor, Fault> {
    go_over(None, Codec::reader(unseal(header)?))
}

/// Every field of a header, in the order in which they stand; what is read needs none to be known.
#[inline(never)]
fn go_over(known: Option<&Descriptor>, mut codec: Codec<'_>) -> Result<Descriptor, Fault> {
    if codec.array(MAGIC) != MAGIC {
        return Err(Fault::Storage);
    }
    let (name, line) = known.map_or(("", ""), |known| (known.name.as_str(), known.line.as_str()));
    let (length, counter) = known.map_or((0, 0), |known| (known.length.get(), known.counter.get()));
    let descriptor = Descriptor {
        name: TargetName::parse(codec.text(name, &mut [0; NAME])?)?.to_buf(),
        length: Length::new(codec.u64(length))?,
        sha256: Sha256(codec.array(known.map_or([0; 32], |known| known.sha256.0))),
        line: ImageLine::parse(codec.text(line, &mut [0; LINE])?)?,
        counter: ReleaseCounter::new(codec.u64(counter))?,
    };
    codec.finish().map(|()| descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_was_written_and_not_at_all_when_damaged() {
        let descriptor = Descriptor {
            name: TargetName::parse("brake/fw-2.bin").unwrap().to_buf(),
            length: Length::new(262_144).unwrap(),
            sha256: Sha256([9; 32]),
            line: ImageLine::parse("brake").unwrap(),
            counter: ReleaseCounter::new(2).unwrap(),
        };
        let mut header: [u8; HEADER_SIZE] = encode(&descriptor).unwrap()[..HEADER_SIZE].try_into().unwrap();
        assert_eq!(decode(&header), Ok(descriptor));
        header[100] ^= 1;
        assert_eq!(decode(&header), Err(Fault::Storage));
    }
}
