//! `delta make`, `delta publish` and `delta show`: patches between two images.

use std::path::Path;

use host::cli::print;
use host::disk::{self, Access};
use proto::delta::{HEADER, Header};
use serde_json::json;
use uptane::{Sha256, TargetName};

use crate::args::{DeltaMake, DeltaPublish, DeltaShow};
use crate::config::Settings;
use crate::delta;
use crate::error::Error;
use crate::facts::stored_name;

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

/// Puts a patch where vehicles fetch it. No file of the repository names it and none is signed for it: the Director says
/// whose it is.
pub(crate) async fn publish(args: &DeltaPublish) -> Result<(), Error> {
    let name = TargetName::parse(&args.name).map_err(Error::given("--name", &args.name))?;
    let patch = read(&args.patch)?;
    let Header { base, .. } = header(&args.patch, &patch)?;
    let sha256 = Sha256::of(&patch);
    let settings = Settings::open(&args.repo)?;
    if !settings.is_repository() {
        return Err(Error::NotARepository { path: args.repo.clone() });
    }
    let path = format!("targets/{}", stored_name(name, sha256));
    settings.objects()?.publish_file(&path, &patch).await?;
    if args.json {
        print(json!({
            "base": base.to_string(),
            "length": patch.len(),
            "name": name.as_str(),
            "path": path,
            "sha256": sha256.to_string(),
        }));
        return Ok(());
    }
    print(format_args!("published {name}: {} bytes, sha256 {sha256}", patch.len()));
    print(format_args!("base: sha256 {base}"));
    Ok(())
}

/// Says what a patch is.
pub(crate) fn show(args: &DeltaShow) -> Result<(), Error> {
    let patch = read(&args.patch)?;
    let Header { old_length, new_length, base } = header(&args.patch, &patch)?;
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

fn header(path: &Path, patch: &[u8]) -> Result<Header, Error> {
    let header = patch.first_chunk::<HEADER>().ok_or(proto::Error::NotAPatch).and_then(Header::decode);
    header.map_err(|error| Error::patch(path)(error.into()))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = disk::read(path, delta::MAX_IMAGE)?;
    Ok(bytes.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}
