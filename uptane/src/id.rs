//! Names of things, parsed once: afterwards nobody asks whether one is safe to print, compare or store.

use core::fmt;

use crate::limits::{MAX_ID, MAX_KEY_ID, MAX_ROLE_FILE_NAME, MAX_ROLE_NAME, MAX_TARGET_NAME};
use crate::{Error, Repository, Role, Sha256, told};

/// Text of at most `N` bytes held in place, so that it needs no heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len() })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // `new` copied `len` bytes out of a `str`, so both steps succeed.
        self.bytes.get(..self.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Letters, digits, `.`, `_` and `-`, not starting with a dot: safe in paths, logs, TOML and DNS-like names.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Text<{ $max }>);

        impl $name {
            /// Parses the text form.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let check: fn(&str) -> bool = $check;
                let id = Text::new(text).filter(|_| check(text));
                id.map(Self).ok_or(Error::BadName { kind: told(stringify!($name)) })
            }

            /// The text form.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl core::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
}

text_id!(
    /// An ECU's unique identifier (§5.3.2.2).
    EcuId, MAX_ID, is_plain
);
text_id!(
    /// A kind of hardware an image may run on (§5.2.3.1.1).
    HardwareId, MAX_ID, is_plain
);
text_id!(
    /// The line of images a release counter counts in (trap T5).
    ImageLine, MAX_ID, is_plain
);
text_id!(
    /// The campaign an assignment belongs to.
    CampaignId, MAX_ID, is_plain
);
text_id!(
    /// A repository's name in the mapping (§5.2.6); also that of the folder in which its files are stored.
    RepositoryName, MAX_ID, is_plain
);

impl RepositoryName {
    /// The name of one of the two repositories every vehicle has.
    pub fn of<R: Repository>() -> Self {
        // Both names are short and plain.
        Self(Text::new(R::NAME).unwrap_or(Text { bytes: [0; MAX_ID], len: 0 }))
    }
}

text_id!(
    /// Reference to a public key: opaque text (TAP 12), never proof that two keys differ (trap T3).
    KeyId, MAX_KEY_ID, is_key_id
);

/// Whether this is the text of a [`KeyId`], for those who do not keep it.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

impl From<Sha256> for KeyId {
    /// The digest's 64 hex digits.
    fn from(digest: Sha256) -> Self {
        let mut text = Text { bytes: [0; MAX_KEY_ID], len: 2 * digest.0.len() };
        for (digits, byte) in text.bytes.as_chunks_mut::<2>().0.iter_mut().zip(digest.0) {
            *digits = crate::hex::digits(byte);
        }
        Self(text)
    }
}

text_id!(
    /// A delegated role's name (§5.2.3.2): any text without control characters that is no top-level role's.
    RoleName, MAX_ROLE_NAME, is_role_name
);

fn is_role_name(text: &str) -> bool {
    // A delegated `targets` would be taken for the top-level one in Snapshot and in every store.
    let is_top_level =
        [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets].map(Role::type_name).contains(&text);
    let encoded: usize = text.bytes().enumerate().map(|(at, byte)| if is_plain_at(at, byte) { 1 } else { 3 }).sum();
    !text.is_empty() && !is_top_level && !text.chars().any(char::is_control) && encoded <= MAX_ROLE_FILE_NAME
}

impl RoleName {
    /// The name as a part of a file name or URL: every byte but letters, digits, `_`, `.`, `~` and `-`, and a leading
    /// dot, is percent-encoded. So no name leaves its folder, hides in it, or stands for another name.
    pub fn encoded(&self) -> impl fmt::Display + '_ {
        PercentEncoded(self.as_str())
    }
}

/// What RFC 3986 §2.3 leaves as it is, but for the dot that would hide a file.
fn is_plain_at(at: usize, byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_~-".contains(&byte) || (byte == b'.' && at > 0)
}

struct PercentEncoded<'a>(&'a str);

impl fmt::Display for PercentEncoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.bytes().enumerate() {
            match is_plain_at(at, byte) {
                true => write!(f, "{}", char::from(byte))?,
                false => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

text_id!(
    /// A target name kept without its file: what [`TargetName`] borrows.
    TargetNameBuf, MAX_TARGET_NAME, |text| TargetName::parse(text).is_ok()
);

impl TargetNameBuf {
    /// The borrowed form.
    pub fn borrowed(&self) -> TargetName<'_> {
        TargetName(self.as_str())
    }
}

/// An image's file name in both repositories: a relative path that cannot leave its folder (§5.2.7, attack A22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName<'a>(&'a str);

impl<'a> TargetName<'a> {
    /// Parses a name of `/`-separated parts, none of them empty, `.` or `..`, all of graphic ASCII without `"` or `\`.
    pub fn parse(name: &'a str) -> Result<Self, Error> {
        let safe = |part: &[u8]| {
            !matches!(part, b"" | b"." | b"..") && part.iter().all(|b| b.is_ascii_graphic() && !b"\\\"".contains(b))
        };
        let fits = name.len() <= MAX_TARGET_NAME && name.as_bytes().split(|b| *b == b'/').all(safe);
        fits.then_some(Self(name)).ok_or(Error::BadName { kind: told("TargetName") })
    }

    /// The name.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// The name without its file, for keeping.
    pub fn to_buf(self) -> TargetNameBuf {
        // `parse` bounded the length, so the text fits.
        TargetNameBuf(Text::new(self.0).unwrap_or(Text { bytes: [0; MAX_TARGET_NAME], len: 0 }))
    }
}

impl fmt::Display for TargetName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Parses 32 lower-case hex digits.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let mut bytes = [0; 16];
                crate::hex::decode(text, &mut bytes).ok_or(Error::BadName { kind: told(stringify!($name)) })?;
                Ok(Self(bytes))
            }
        }

        impl core::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                crate::hex::write(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

random_id!(
    /// A vehicle's random 128-bit id; the VIN stays in the inventory. Written as 32 lower-case hex digits.
    VehicleId
);
random_id!(
    /// One update transaction across the ECUs of a vehicle: its number, big-endian, then eight random bytes. Written as 32
    /// lower-case hex digits.
    TransactionId
);

impl TransactionId {
    /// The id of a vehicle's transaction of this number.
    pub fn new(number: u64, random: [u8; 8]) -> Self {
        let mut id = [0; 16];
        let (first, last) = id.split_at_mut(8);
        first.copy_from_slice(&number.to_be_bytes());
        last.copy_from_slice(&random);
        Self(id)
    }

    /// Its number. Those of one vehicle rise, so that an ECU knows by the newest that is over which others are.
    pub fn number(self) -> u64 {
        let (number, _) = self.0.as_chunks::<8>();
        number.first().map_or(0, |number| u64::from_be_bytes(*number))
    }
}

random_id!(
    /// What an ECU wants to see in the next time attestation or answer. Written as 32 lower-case hex digits.
    Nonce
);

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn the_id_of_a_transaction_begins_with_its_number() {
        let id = TransactionId::new(0x0102_0304_0506_0708, [9; 8]);
        assert_eq!(id.to_string(), "01020304050607080909090909090909");
        assert_eq!(id.number(), 0x0102_0304_0506_0708);
        assert!(TransactionId::new(2, [0; 8]) > TransactionId::new(1, [255; 8]));
    }

    #[test]
    fn a_role_name_never_leaves_its_folder_nor_hides_in_it() {
        let names = [
            ("brakes-2_a.b~", "brakes-2_a.b~"),
            ("/delegated", "%2Fdelegated"),
            ("../delegated", "%2E.%2Fdelegated"),
            ("?", "%3F"),
            ("#", "%23"),
            ("%23", "%2523"),
            ("ö", "%C3%B6"),
            (".", "%2E"),
            ("..", "%2E."),
            ("a b\"\\", "a%20b%22%5C"),
        ];
        for (name, encoded) in names {
            assert_eq!(RoleName::parse(name).unwrap().encoded().to_string(), encoded);
        }
        let distinct: BTreeSet<_> = names.iter().map(|(_, encoded)| encoded).collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn role_names_without_a_file_of_their_own_are_refused() {
        let wide = "ö".repeat(MAX_ROLE_NAME / 2);
        let long = "x".repeat(MAX_ROLE_NAME + 1);
        for name in ["", "root", "timestamp", "snapshot", "targets", "a\nb", "\u{7f}", "\u{85}", &wide, &long] {
            assert_eq!(RoleName::parse(name), Err(Error::BadName { kind: "RoleName" }), "{name:?}");
        }
        assert!(RoleName::parse(&"x".repeat(MAX_ROLE_NAME)).is_ok());
        assert!(RoleName::parse("Targets").is_ok());
    }

    #[test]
    fn target_names_that_could_leave_their_folder_are_refused() {
        for name in ["", "/etc/passwd", "../boot", "a/../b", "a//b", "a/.", "a\\b", "a b", "a\"b", "a/"] {
            assert_eq!(TargetName::parse(name), Err(Error::BadName { kind: "TargetName" }), "{name:?}");
        }
        assert!(TargetName::parse("brake/fw-2.bin").is_ok());
    }

    #[test]
    fn ids_are_plain_and_bounded() {
        assert!(EcuId::parse("brake-ecu_1.a").is_ok());
        for id in ["", ".hidden", "a/b", "ä", &"x".repeat(MAX_ID + 1)] {
            assert!(EcuId::parse(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn key_id_of_a_digest_is_its_hex_digits() {
        let id = KeyId::from(Sha256([0xa5; 32]));
        assert_eq!(Ok(id), KeyId::parse(&"a5".repeat(32)));
    }

    #[test]
    fn vehicle_id_is_32_lower_case_hex_digits() {
        let id = VehicleId::parse("000102030405060708090a0b0c0d0e0f").unwrap();
        assert_eq!(id.0[15], 15);
        assert!(VehicleId::parse("000102030405060708090A0B0C0D0E0F").is_err());
        assert!(VehicleId::parse("00").is_err());
    }
}
