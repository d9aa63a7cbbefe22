//! Every bound on what comes from outside, in one place.
//!
//! Sizes leave room for ML-DSA-65 keys (1,952 bytes) and signatures (3,309 bytes), which stand in metadata as hex, so
//! that a later algorithm changes no format and no buffer.

/// Bytes of an ML-DSA-65 public key, the largest key a file may carry.
pub const MAX_PUBLIC_KEY: usize = 1_952;
/// Bytes of an ML-DSA-65 signature, the largest signature a file may carry.
pub const MAX_SIGNATURE: usize = 3_309;
/// Characters of a public key that this build evaluates, as it stands in metadata: 64 hex digits, or PEM.
pub const MAX_KEY_TEXT: usize = match (cfg!(feature = "rsa"), cfg!(feature = "ecdsa")) {
    (true, _) => 1_024,
    (false, true) => 256,
    (false, false) => 64,
};
/// Bytes of the longest signature that this build evaluates: RSA of 4,096 bits, ECDSA P-256 in DER, Ed25519.
pub const MAX_EVALUATED_SIGNATURE: usize = match (cfg!(feature = "rsa"), cfg!(feature = "ecdsa")) {
    (true, _) => 512,
    (false, true) => 72,
    (false, false) => 64,
};
/// Longest string token: a hex signature of the largest kind.
pub const MAX_STRING: usize = 2 * MAX_SIGNATURE;
/// Deepest nesting of objects and arrays in a signed file.
pub const MAX_DEPTH: usize = 16;
/// Sum of the lengths of all object keys that are open at once, in the heap-free reader.
pub const MAX_OPEN_KEYS: usize = 1_024;

/// Keys one role may list. A role with more fails closed.
pub const MAX_ROLE_KEYS: usize = 8;
/// Keys one Root may define.
pub const MAX_ROOT_KEYS: usize = 64;
/// Signatures one file may carry.
pub const MAX_SIGNATURES: usize = 16;

/// Bytes of a Root file (X of §5.4.4.3): room for `MAX_ROLE_KEYS` ML-DSA-65 keys in each of four roles.
pub const MAX_ROOT: u64 = 512 * 1024;
/// Bytes of a Timestamp file (Y of §5.4.4.4).
pub const MAX_TIMESTAMP: u64 = 64 * 1024;
/// Bytes of a Snapshot file whose length the Timestamp does not state.
pub const MAX_SNAPSHOT: u64 = 4 * 1024 * 1024;
/// Bytes of a Targets file whose length the Snapshot does not state (Z of §5.4.4.6).
pub const MAX_TARGETS: u64 = 64 * 1024 * 1024;
/// Bytes of a time attestation.
pub const MAX_TIME_ATTESTATION: u64 = 64 * 1024;
/// Bytes of one ECU version report.
pub const MAX_REPORT: usize = 16 * 1024;
/// Bytes of one idle check-in statement.
pub const MAX_CHECK_IN: usize = 4 * 1024;
/// Bytes of one vehicle version manifest.
pub const MAX_MANIFEST: usize = 2 * 1024 * 1024;
/// Bytes of one signed command from Primary to Secondary.
pub const MAX_COMMAND: usize = 8 * 1024;

/// New Roots adopted in one update cycle.
pub const MAX_ROOT_ROTATIONS: usize = 1_024;
/// ECUs one Director Targets file may name.
pub const MAX_ECUS: usize = 256;
/// Hardware ids one target may list.
pub const MAX_HARDWARE_IDS: usize = 32;
/// Repositories of one vehicle, the Director among them.
pub const MAX_REPOSITORIES: usize = 8;
/// Entries of one repository mapping.
pub const MAX_MAPPING_ENTRIES: usize = 64;
/// Path patterns of one entry of a mapping.
pub const MAX_MAPPING_PATHS: usize = 64;

/// Delegations one Targets file may list: as many as the largest public repository has hashed bins.
pub const MAX_DELEGATIONS: usize = 16_384;
/// Keys the delegations of one file may define.
pub const MAX_DELEGATION_KEYS: usize = 1_024;
/// Paths, or prefixes of digests, one delegation may list.
pub const MAX_ROLE_PATHS: usize = 4_096;
/// Paths, or prefixes of digests, all delegations of one file may list.
pub const MAX_DELEGATION_PATHS: usize = 65_536;
/// Roles one multi-role delegation may name.
pub const MAX_AGREEING_ROLES: usize = 16;
/// Delegations between top-level Targets and the deepest role a look-up visits.
pub const MAX_DELEGATION_DEPTH: usize = 32;
/// Roles one look-up visits, each as often as it comes to it.
pub const MAX_ROLES_VISITED: usize = 256;
/// Paths, or prefixes of digests, one look-up compares with the name: as many as four files may list.
pub const MAX_PATHS_COMPARED: usize = 4 * MAX_DELEGATION_PATHS;
/// Delegated files kept of one repository.
pub const MAX_DELEGATED_FILES: usize = 1_024;

/// Characters of an ECU, hardware, image-line or campaign id.
pub const MAX_ID: usize = 64;
/// Characters of a key id, which is opaque (TAP 12).
pub const MAX_KEY_ID: usize = 128;
/// Bytes of a delegated role's name.
pub const MAX_ROLE_NAME: usize = 128;
/// Bytes of a delegated role's name once it is percent-encoded: with a version of 16 digits, two dots and `json` it fits
/// the 255 bytes a file system gives a file name.
pub const MAX_ROLE_FILE_NAME: usize = 255 - 16 - ".".len() - ".json".len();
/// Characters of a target name.
pub const MAX_TARGET_NAME: usize = 255;

/// Largest integer a signed file may carry: 2^53 - 1, what every JSON reader keeps exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
