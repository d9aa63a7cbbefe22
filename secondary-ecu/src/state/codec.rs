//! Fixed-width fields, little-endian, in buffers of a size known before.
//!
//! A [`Codec`] goes over the fields of a buffer in their order, and each is handed through it: what writes puts there what
//! it is given, and gives it back; what reads gives what is there instead. So one list of fields serves both ways.

use proto::crc32;

use crate::Fault;

/// Goes over the fields of a buffer, one after the other.
pub(crate) struct Codec<'b> {
    rest: Rest<'b>,
    is_short: bool,
}

enum Rest<'b> {
    Read(&'b [u8]),
    Write(&'b mut [u8]),
}

impl<'b> Codec<'b> {
    pub(crate) fn reader(bytes: &'b [u8]) -> Self {
        Self { rest: Rest::Read(bytes), is_short: false }
    }

    pub(crate) fn writer(buffer: &'b mut [u8]) -> Self {
        Self { rest: Rest::Write(buffer), is_short: false }
    }

    /// Refuses to have gone beyond the buffer.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.is_short { Err(Fault::Storage) } else { Ok(()) }
    }

    #[inline(never)]
    pub(crate) fn bytes(&mut self, field: &mut [u8]) {
        let is_there = match &mut self.rest {
            Rest::Read(rest) => rest.split_off(..field.len()).map(|place| field.copy_from_slice(place)),
            Rest::Write(rest) => rest.split_off_mut(..field.len()).map(|place| place.copy_from_slice(field)),
        };
        self.is_short |= is_there.is_none();
    }

    pub(crate) fn array<const N: usize>(&mut self, mut field: [u8; N]) -> [u8; N] {
        self.bytes(&mut field);
        field
    }

    #[inline(never)]
    pub(crate) fn byte(&mut self, value: u8) -> u8 {
        let [byte] = self.array([value]);
        byte
    }

    pub(crate) fn flag(&mut self, value: bool) -> bool {
        self.byte(u8::from(value)) != 0
    }

    pub(crate) fn u32(&mut self, value: u32) -> u32 {
        u32::from_le_bytes(self.array(value.to_le_bytes()))
    }

    #[inline(never)]
    pub(crate) fn u64(&mut self, value: u64) -> u64 {
        u64::from_le_bytes(self.array(value.to_le_bytes()))
    }

    /// Text in one length byte and as many more as `field` has, which keeps it.
    #[inline(never)]
    pub(crate) fn text<'f>(&mut self, text: &str, field: &'f mut [u8]) -> Result<&'f str, Fault> {
        field.get_mut(..text.len()).ok_or(Fault::Storage)?.copy_from_slice(text.as_bytes());
        let length = self.byte(u8::try_from(text.len()).map_err(|_| Fault::Storage)?);
        self.bytes(field);
        let text = field.get(..length.into()).ok_or(Fault::Storage)?;
        core::str::from_utf8(text).map_err(|_| Fault::Storage)
    }
}

/// Closes a buffer: its last four bytes tell whether those before it are as they were written.
pub(crate) fn seal(buffer: &mut [u8]) -> Result<(), Fault> {
    let (body, seal) = buffer.split_last_chunk_mut::<SEAL>().ok_or(Fault::Storage)?;
    *seal = crc32(&*body).to_le_bytes();
    Ok(())
}

/// What stands before the seal; [`Fault::Storage`] if it is broken.
pub(crate) fn unseal(buffer: &[u8]) -> Result<&[u8], Fault> {
    let (body, seal) = buffer.split_last_chunk::<SEAL>().ok_or(Fault::Storage)?;
    if crc32(body) == u32::from_le_bytes(*seal) { Ok(body) } else { Err(Fault::Storage) }
}

/// Bytes of a seal.
pub(crate) const SEAL: usize = 4;
