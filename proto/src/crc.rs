//! A checksum against accidents. It protects against nobody: whoever changes the bytes can change it too.

/// CRC-32 (IEEE 802.3) of bytes, which may lie in several pieces.
pub fn crc32<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u32 {
    let step = |crc: u32, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.into_iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_has_its_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"1234".iter().chain(b"56789")), 0xcbf4_3926);
    }
}
