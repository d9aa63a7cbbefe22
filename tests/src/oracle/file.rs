//! The frame of a signed file, and who signed it (`docs/pouf.md` §2).

use sha2::{Digest as _, Sha256, Sha512};
use unicode_normalization::is_nfc;

use super::json::Json;
use super::keys::{Appointed, PublicKey};
use super::words::{is_hex, is_key_id, number, text, version};
use super::{Oracle, Refused};

/// A file that was read. Nobody vouches for it.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) received: Vec<u8>,
    signatures: Vec<(String, String)>,
    pub(super) signed: Json,
    canonical: Vec<u8>,
}

/// What a parent says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) version: u64,
    pub(super) length: Option<u64>,
    pub(super) hashes: Option<Hashes>,
}

/// The digests that are listed: SHA-256, SHA-512.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hashes(Option<String>, Option<String>);

impl File {
    /// Reads a file of at most `limit` bytes.
    pub(super) fn read(received: &[u8], limit: usize) -> Result<Self, Refused> {
        if received.len() > limit {
            return Err(Refused("length"));
        }
        let json = Json::read(received)?;
        let entries = json.member("signatures").and_then(Json::list).ok_or(Refused("signatures"))?;
        if entries.len() > 16 {
            return Err(Refused("signatures"));
        }
        let entry = |entry: &Json| Ok((text(entry, "keyid")?.to_owned(), text(entry, "sig")?.to_owned()));
        let signatures: Vec<_> = entries.iter().map(entry).collect::<Result<_, _>>()?;
        let mut claimed: Vec<&str> = signatures.iter().map(|(id, _)| id.as_str()).filter(|id| is_key_id(id)).collect();
        claimed.sort_unstable();
        if claimed.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(Refused("a key id twice"));
        }
        let signed = json.member("signed").filter(|signed| signed.object().is_some()).ok_or(Refused("signed"))?;
        let canonical = signed.canonical();
        // RFC 5198: two names that look the same are the same.
        if !String::from_utf8(canonical.clone()).is_ok_and(|text| is_nfc(&text)) {
            return Err(Refused("normal form"));
        }
        Ok(Self { received: received.to_vec(), signatures, signed: signed.clone(), canonical })
    }

    /// Whether `listed` is this very file.
    pub(super) fn check_listed(&self, listed: &Listed) -> Result<(), Refused> {
        check_bytes(&self.received, listed)?;
        self.check_version(listed)
    }

    /// Whether it has the version its parent lists.
    pub(super) fn check_version(&self, listed: &Listed) -> Result<(), Refused> {
        if version(&self.signed)? == listed.version { Ok(()) } else { Err(Refused("listed version")) }
    }

    /// Whether both say the same.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        self.signed == other.signed
    }
}

/// Whether these are the bytes a parent lists.
pub(super) fn check_bytes(received: &[u8], listed: &Listed) -> Result<(), Refused> {
    if listed.length.is_some_and(|length| usize::try_from(length) != Ok(received.len())) {
        return Err(Refused("listed length"));
    }
    let Some(Hashes(sha256, sha512)) = &listed.hashes else { return Ok(()) };
    let is_256 = sha256.as_ref().is_none_or(|listed| *listed == hex(&Sha256::digest(received)));
    let is_512 = sha512.as_ref().is_none_or(|listed| *listed == hex(&Sha512::digest(received)));
    if is_256 && is_512 { Ok(()) } else { Err(Refused("listed hashes")) }
}

/// SHA-256 in lower-case hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hashes {
    /// Reads `hashes`; other functions are passed over, but one of these must be there.
    pub(super) fn read(json: &Json) -> Result<Self, Refused> {
        let members = json.object().ok_or(Refused("hashes"))?;
        let digest = |name, digits| match members.get(name).map(Json::text) {
            None => Ok(None),
            Some(Some(text)) if is_hex(text, digits) => Ok(Some(text.to_owned())),
            Some(_) => Err(Refused("digest")),
        };
        match (digest("sha256", 64)?, digest("sha512", 128)?) {
            (None, None) => Err(Refused("no known digest")),
            (sha256, sha512) => Ok(Self(sha256, sha512)),
        }
    }

    pub(super) fn sha256(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Listed {
    /// Reads an entry of `meta`.
    pub(super) fn read(json: &Json) -> Result<Self, Refused> {
        json.object().ok_or(Refused("meta"))?;
        Ok(Self {
            version: version(json)?,
            length: json.member("length").map(|_| number(json, "length")).transpose()?,
            hashes: json.member("hashes").map(Hashes::read).transpose()?,
        })
    }
}

impl Oracle {
    /// Refuses a file that fewer distinct keys signed than must. One key counts once,
    /// whichever of its ids its signatures claim.
    pub(super) fn check_signed(&mut self, file: &File, by: &Appointed) -> Result<(), Refused> {
        let digest: [u8; 32] = Sha256::digest(&file.canonical).into();
        let mut good: Vec<&PublicKey> = Vec::new();
        for (id, key) in &by.keys {
            let entry = file.signatures.iter().find(|(claimed, _)| is_key_id(claimed) && claimed == id);
            if entry.is_some_and(|(_, sig)| self.is_good(key, sig, &digest, &file.canonical)) {
                good.push(key);
            }
        }
        good.sort_unstable();
        good.dedup();
        let enough = u64::try_from(good.len()).is_ok_and(|good| good >= by.threshold);
        if enough { Ok(()) } else { Err(Refused("threshold")) }
    }

    fn is_good(&mut self, key: &PublicKey, sig: &str, digest: &[u8; 32], message: &[u8]) -> bool {
        if self.judged.len() > MAX_JUDGED {
            self.judged.clear();
        }
        let claim = (key.clone(), sig.to_owned(), *digest);
        *self.judged.entry(claim).or_insert_with(|| key.verifies(sig, message))
    }
}

const MAX_JUDGED: usize = 4_096;
