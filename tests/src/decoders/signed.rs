//! Inputs that are signed again, and what was signed before.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use uptane::json::Document;
use uptane::metadata::Envelope;
use uptane::{Length, Role};

use super::Run;

/// Who signed an input after it was mutated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Nobody: it is as it came.
    Nobody,
    /// The keys of its role.
    Role,
    /// A key of nobody's.
    Stranger,
}

/// Who signs this input: its bytes decide.
pub(super) fn by(input: &[u8]) -> By {
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    match (hash >> 24) % 100 {
        0..31 => By::Role,
        31 => By::Stranger,
        _ => By::Nobody,
    }
}

/// A number from an input's bytes, for what else is left to chance.
pub(super) fn number(input: &[u8]) -> usize {
    input.iter().fold(7_usize, |number, byte| number.wrapping_mul(31).wrapping_add(usize::from(*byte)))
}

/// The file to judge, and whether accepting it may be right whatever it says.
pub(super) fn file(run: &mut Run, input: &[u8], role: Role, signers: &[&SigningKey], sign: Sign) -> (Vec<u8>, bool) {
    match by(input) {
        By::Nobody => (input.to_vec(), false),
        By::Role => {
            run.resigned = true;
            (sign(signed_of(input), role, signers), true)
        }
        By::Stranger => (sign(signed_of(input), role, &[&STRANGER]), false),
    }
}

/// How files of a kind are signed.
pub(super) type Sign = fn(&[u8], Role, &[&SigningKey]) -> Vec<u8>;

/// A role file.
pub(super) fn as_role(signed: &[u8], role: Role, signers: &[&SigningKey]) -> Vec<u8> {
    let message = message_of(signed, role);
    let entry =
        |key: &&SigningKey| format!(r#"{{"keyid":"{}","sig":"{}"}}"#, id(key), hex(&key.sign(&message).to_bytes()));
    envelope(signed, &signers.iter().map(entry).collect::<Vec<_>>())
}

/// A file of an ECU.
pub(super) fn as_ecu(signed: &[u8], role: Role, signers: &[&SigningKey]) -> Vec<u8> {
    let digest = Sha256::digest(message_of(signed, role));
    let entry = |key: &&SigningKey| {
        let (hash, sig) = (hex(&digest), hex(&key.sign(&digest).to_bytes()));
        format!(
            r#"{{"hash":"{hash}","hash_function":"sha256","keyid":"{}","method":"ed25519","sig":"{sig}"}}"#,
            id(key)
        )
    };
    envelope(signed, &signers.iter().map(entry).collect::<Vec<_>>())
}

fn envelope(signed: &[u8], signatures: &[String]) -> Vec<u8> {
    [br#"{"signatures":["#, signatures.join(",").as_bytes(), br#"],"signed":"#, signed, b"}"].concat()
}

/// The value of `signed` in an input, or what would be one.
pub(super) fn signed_of(input: &[u8]) -> &[u8] {
    const NAME: &[u8] = br#""signed":"#;
    match input.windows(NAME.len()).position(|window| window == NAME) {
        Some(at) => {
            let value = input.get(at + NAME.len()..).unwrap_or_default();
            value.strip_suffix(b"}").unwrap_or(value)
        }
        None => input,
    }
}

/// The bytes a signature is over; of what cannot be read, the bytes themselves.
fn message_of(signed: &[u8], role: Role) -> Vec<u8> {
    message(&envelope(signed, &[]), role).unwrap_or_else(|| signed.to_vec())
}

/// What was signed in a file.
pub(super) fn message(file: &[u8], role: Role) -> Option<Vec<u8>> {
    let document = Document::read(role, file, Length::new(1 << 20).ok()?).ok()?;
    let envelope = Envelope::decode(document.bytes()).ok()?;
    let mut message = Vec::new();
    envelope.hash_signed_into(|bytes| message.extend_from_slice(bytes));
    Some(message)
}

/// Whether the keys of this role signed what the file says before.
pub(super) fn is_genuine(file: &[u8], role: Role) -> bool {
    message(file, role).is_some_and(|message| SIGNED.contains(&message))
}

/// The key of a label of the test repositories.
pub(super) fn key(label: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("convoy test key: {label}")).into())
}

/// The id our tools give a key: SHA-256 of its object in metadata.
fn id(key: &SigningKey) -> String {
    let public = hex(&key.verifying_key().to_bytes());
    let object = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
    hex(&Sha256::digest(object))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// A file of `tests/vectors`.
macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../vectors/", $name))
    };
}
pub(super) use vector;

/// Everything that the keys of the vectors ever signed.
static SIGNED: LazyLock<BTreeSet<Vec<u8>>> = LazyLock::new(|| {
    let files: [(Role, &[u8]); 13] = [
        (Role::Root, vector!("director/1.root.json")),
        (Role::Timestamp, vector!("director/timestamp.json")),
        (Role::Snapshot, vector!("director/2.snapshot.json")),
        (Role::Targets, vector!("director/2.targets.json")),
        (Role::Root, vector!("image/1.root.json")),
        (Role::Timestamp, vector!("image/timestamp.json")),
        (Role::Snapshot, vector!("image/2.snapshot.json")),
        (Role::Targets, vector!("image/2.targets.json")),
        (Role::Time, vector!("time.json")),
        (Role::Report, vector!("report.json")),
        (Role::Manifest, vector!("manifest.json")),
        (Role::CheckIn, vector!("check-in.json")),
        (Role::Command, vector!("command.json")),
    ];
    files.into_iter().filter_map(|(role, file)| message(file, role)).collect()
});

static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| key("stranger"));

/// A file with what is rare in one: escapes, other digests, and signatures in every form that is passed over or refused.
pub(super) fn rare(file: &[u8]) -> Vec<Vec<u8>> {
    let file = String::from_utf8_lossy(file);
    let signature = |entry: &str| file.replacen("\"signatures\":[", &format!("\"signatures\":[{entry},"), 1);
    let sig = "0".repeat(128);
    let entry = |keyid: &str| format!(r#"{{"keyid":"{keyid}","sig":"{sig}"}}"#);
    let ecu = format!(
        r#"{{"hash":"{}","hash_function":"sha256","keyid":"x","method":"ed25519","sig":"{sig}"}}"#,
        "1".repeat(64)
    );
    let escapes = r#","z":"\b\t\n\f\r\u0001\u001f\"\\"}}"#;
    let end = file.strip_suffix("}}").unwrap_or(&file);
    let sha512 = format!("\"sha512\":\"{}\"", "ab".repeat(64));
    let digest = "cd".repeat(32);
    let delta = format!(r#""delta":{{"base":"{digest}","length":9,"name":"fw.patch","sha256":"{digest}"}}"#);
    let mut all = vec![
        file.replacen("{\"hardware_id\"", &format!("{{{delta},\"hardware_id\""), 1),
        format!("{end}{escapes}"),
        file.replacen("},\"length\"", &format!(",{sha512}}},\"length\""), 1),
        file.replacen("\"sha256\"", "\"md5\":\"00\",\"sha256\"", 1),
        file.replacen("\"spec_version\":\"1", "\"spec_version\":\"2", 1),
        file.replacen("\"threshold\":1", "\"threshold\":0", 1),
        file.replacen("\"version\":", "\"unknown\":{\"a\":[1]},\"version\":", 1),
    ];
    all.extend(
        [entry("x"), format!("{},{}", entry("x"), entry("x")), entry(&"k".repeat(300)), ecu].map(|one| signature(&one)),
    );
    all.extend([r#"{"keyid":1,"sig":""}"#, r#"{"keyid":"x","sig":[]}"#, r#"{"keyid":"x"}"#].map(signature));
    all.into_iter().map(String::into_bytes).collect()
}

/// Seeds, and what is rare in each.
pub(super) fn with_rare(seeds: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let rare: Vec<Vec<u8>> = seeds.iter().take(1).flat_map(|seed| rare(seed)).collect();
    seeds.into_iter().chain(rare).collect()
}
