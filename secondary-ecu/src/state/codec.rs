//! Fixed-width fields, little-endian, in buffers of a size known before.

use crate::Fault;

/// Writes fields one after the other.
pub(crate) struct Encoder<'b> {
    rest: &'b mut [u8],
}

impl<'b> Encoder<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { rest: buffer }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let rest = core::mem::take(&mut self.rest);
        let (field, rest) = rest.split_at_mut_checked(bytes.len()).ok_or(Fault::Storage)?;
        field.copy_from_slice(bytes);
        self.rest = rest;
        Ok(())
    }

    pub(crate) fn byte(&mut self, value: u8) -> Result<(), Fault> {
        self.bytes(&[value])
    }

    pub(crate) fn u32(&mut self, value: u32) -> Result<(), Fault> {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), Fault> {
        self.bytes(&value.to_le_bytes())
    }

    /// Text of at most `N` bytes, in one length byte and `N` more.
    pub(crate) fn text<const N: usize>(&mut self, text: &str) -> Result<(), Fault> {
        let mut field = [0; N];
        field.get_mut(..text.len()).ok_or(Fault::Storage)?.copy_from_slice(text.as_bytes());
        self.byte(u8::try_from(text.len()).map_err(|_| Fault::Storage)?)?;
        self.bytes(&field)
    }
}

/// Reads them back.
pub(crate) struct Decoder<'b> {
    rest: &'b [u8],
}

impl<'b> Decoder<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(Fault::Storage)?;
        self.rest = rest;
        Ok(*field)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text<const N: usize>(&mut self) -> Result<&'b str, Fault> {
        let length = usize::from(self.byte()?);
        let (field, rest) = self.rest.split_at_checked(N).ok_or(Fault::Storage)?;
        self.rest = rest;
        field.get(..length).and_then(|text| core::str::from_utf8(text).ok()).ok_or(Fault::Storage)
    }
}
