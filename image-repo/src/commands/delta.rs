//! `delta make` and `delta show`: patches between two images.

use std::path::Path;

use host::cli::print;
use host::disk::{self, Access};
use proto::delta::{HEADER, Header};
use serde_json::json;
use uptane::Sha256;

use crate::args::{DeltaMake, DeltaShow};
use crate::delta;
use crate::error::Error;

/// Makes a patch, decodes it again, and puts it where it was asked for.
pub(crate) fn make(args: &DeltaMake) -> Result<(), Error> {
    let (old, new) = (read(&args.from)?, read(&args.to)?);
    let patch = delta::make(&old, &new).map_err(Error::patch(&args.out))?;
    disk::replace(&args.out, &patch, Access::Shared)?;
    let (base, sha256) = (Sha256::of(&old), Sha256::of(&patch));
    if args.json {
        print(json!({
            "patch": args.out,
            "base": base.to_string(),
            "length": patch.len(),
            "sha256": sha256.to_string(),
            "new_length": new.len(),
            "new_sha256": Sha256::of(&new).to_string(),
        }));
        return Ok(());
    }
    let out = args.out.display();
    print(format_args!("made {out}: {} bytes for an image of {}, sha256 {sha256}", patch.len(), new.len()));
    print(format_args!("base: sha256 {base}; an ECU that holds another image refuses it"));
    Ok(())
}

/// Says what a patch is.
pub(crate) fn show(args: &DeltaShow) -> Result<(), Error> {
    let patch = read(&args.patch)?;
    let header = patch.first_chunk::<HEADER>().ok_or(proto::Error::NotAPatch).and_then(Header::decode);
    let header = header.map_err(|error| Error::patch(&args.patch)(error.into()))?;
    let Header { old_length, new_length, base } = header;
    let sha256 = Sha256::of(&patch);
    if args.json {
        print(json!({
            "base": base.to_string(),
            "length": patch.len(),
            "sha256": sha256.to_string(),
            "old_length": old_length,
            "new_length": new_length,
        }));
        return Ok(());
    }
    print(format_args!("patch: {} bytes, sha256 {sha256}", patch.len()));
    print(format_args!("base:  {old_length} bytes, sha256 {base}"));
    print(format_args!("makes: {new_length} bytes"));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = disk::read(path, delta::MAX_IMAGE)?;
    Ok(bytes.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}
