//! The cyclic redundancy checks of ISO 11898-1, bit by bit.

/// A CRC register of `width` bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc {
    width: u32,
    polynomial: u32,
    register: u32,
}

impl Crc {
    /// CRC-15 of classical frames.
    pub(super) const CRC_15: Self = Self { width: 15, polynomial: 0x4599, register: 0 };
    /// CRC-17 of FD frames of up to 16 bytes; ISO starts it with a leading one.
    pub(super) const CRC_17: Self = Self { width: 17, polynomial: 0x1_685b, register: 1 << 16 };
    /// CRC-21 of longer FD frames; ISO starts it with a leading one.
    pub(super) const CRC_21: Self = Self { width: 21, polynomial: 0x10_2899, register: 1 << 20 };

    /// Takes the next bit.
    pub(super) fn push(&mut self, bit: bool) {
        let leaving = self.register >> (self.width - 1) & 1 == 1;
        self.register = (self.register << 1) & ((1 << self.width) - 1);
        if bit != leaving {
            self.register ^= self.polynomial;
        }
    }

    /// Width and value.
    pub(super) fn value(self) -> (u32, u32) {
        (self.width, self.register)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogue's check value: the CRC, started with zero, of the nine digits.
    fn check(crc: Crc) -> u32 {
        let mut crc = Crc { register: 0, ..crc };
        for byte in b"123456789" {
            (0..8).rev().for_each(|bit| crc.push(byte >> bit & 1 == 1));
        }
        crc.value().1
    }

    #[test]
    fn the_polynomials_give_the_published_check_values() {
        assert_eq!(check(Crc::CRC_15), 0x059e);
        assert_eq!(check(Crc::CRC_17), 0x0_4f03);
        assert_eq!(check(Crc::CRC_21), 0x0e_d841);
    }
}
