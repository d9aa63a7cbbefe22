//! Who signed a file and who must still, for people and as JSON.

use host::cli::{counted, print, table};
use serde_json::{Value, json};
use uptane::{KeyId, Time};

use crate::error::Error;
use crate::expiry;
use crate::staged::{Asked, RoleFile, Signing, Staged};

/// Prints what became of a file that was edited or signed, and what comes next.
pub(super) fn report(staged: &Staged, did: &str, file: &RoleFile, now: Time, as_json: bool) -> Result<(), Error> {
    let signing = staged.signing(file)?;
    if as_json {
        print(json(file, &signing));
        return Ok(());
    }
    print(format_args!("{did} {} {}, which {}", file.role(), file.version(), expiry::in_words(file.expires(), now)));
    print(format_args!("what is signed has sha256 {}", file.digest()));
    print(text(&signing));
    print(format_args!("file: {}", staged.place(file.role()).display()));
    Ok(())
}

/// Who signed and who must still.
pub(super) fn text(signing: &Signing) -> String {
    let mut lines = Vec::new();
    if signing.asked.is_empty() {
        lines.push("no file here says whose keys must sign it".to_owned());
    }
    for asked in &signing.asked {
        lines.push(summary(asked));
        lines.extend(asked.signed.iter().map(|id| format!("  signed    {id}")));
        lines.extend(asked.open.iter().map(|id| format!("  unsigned  {id}")));
    }
    lines.extend(signing.unknown.iter().map(|id| format!("signed by a key that is not of the role: {id}")));
    lines.join("\n")
}

fn summary(asked: &Asked) -> String {
    let Asked { whose, needed, signed, .. } = asked;
    match asked.lacks() {
        0 => format!("signed by {} of {whose} ({needed} must)", signed.len()),
        lacks => format!("signed by {} of {whose}: {} to come", signed.len(), counted(lacks, "signature")),
    }
}

/// The same, and what file it is.
pub(super) fn json(file: &RoleFile, signing: &Signing) -> Value {
    let ids = |ids: &[KeyId]| ids.iter().map(KeyId::to_string).collect::<Vec<_>>();
    let asked = |asked: &Asked| {
        json!({
            "whose": asked.whose,
            "needed": asked.needed,
            "signed": ids(&asked.signed),
            "unsigned": ids(&asked.open),
        })
    };
    json!({
        "role": file.role().to_string(),
        "version": file.version().get(),
        "expires": file.expires().to_string(),
        "signed_sha256": file.digest().to_string(),
        "complete": signing.is_complete(),
        "asked": signing.asked.iter().map(asked).collect::<Vec<_>>(),
        "unknown": ids(&signing.unknown),
    })
}

/// Rows of a table of files: role, version, expiry, signatures.
pub(super) fn overview(files: &[(RoleFile, Signing)], now: Time) -> String {
    let row = |(file, signing): &(RoleFile, Signing)| {
        let life = expiry::in_words(file.expires(), now);
        [file.role().to_string(), file.version().to_string(), state(file, signing), life]
    };
    table(["role", "version", "signatures", "life"], &files.iter().map(row).collect::<Vec<_>>())
}

/// How far a file is signed, in some words.
pub(super) fn state(file: &RoleFile, signing: &Signing) -> String {
    // One signature may count for two sets: those of a Root and of the one before it.
    let lacks = signing.asked.iter().map(Asked::lacks).max().unwrap_or(0);
    match (file.is_draft(), signing.asked.is_empty(), lacks) {
        (true, _, _) => "draft".to_owned(),
        (false, true, _) => counted(file.partly().signers().count(), "signature"),
        (false, false, 0) => "complete".to_owned(),
        (false, false, lacks) => format!("{lacks} to come"),
    }
}
