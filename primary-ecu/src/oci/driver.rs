//! Asks the repository for an image: its metadata, its manifest, and then what the manifest names.

use std::collections::BTreeSet;

use host::fetch::Fetcher;
use host::oci::{Descriptor, MAX_MANIFEST, Manifest, MediaType};
use uptane::verify::{Refreshed, Wanted};
use uptane::{HardwareId, Image, Sha256, TargetNameBuf};

use super::FetchOci;
use super::error::Error;
use super::listing::{self, Blob};
use super::work::Work;
use crate::tuf_client::{Client, Metadata, block_on};

/// An image that was fetched.
pub(super) struct Fetched {
    /// The digest of its manifest.
    pub(super) sha256: Sha256,
    /// How many blobs it has besides.
    pub(super) parts: usize,
}

/// Fetches the image, whole or not at all.
pub(super) fn fetch(args: &FetchOci) -> Result<Fetched, Error> {
    let work = Work::begin(&args.out)?;
    let metadata = Metadata::at(args.metadata_dir.clone())?;
    let client = Client::new(metadata, &args.metadata_url)?;
    let named = |source| Error::Fetch { name: args.name.to_string(), source };
    let targets = Fetcher::plain(&args.targets_url).map_err(named)?;
    let errand = Errand { client, targets, work, name: args.name, hardware: args.hardware_id };
    block_on(errand.run())
}

struct Errand {
    client: Client,
    targets: Fetcher,
    work: Work,
    name: TargetNameBuf,
    hardware: HardwareId,
}

impl Errand {
    async fn run(mut self) -> Result<Fetched, Error> {
        let wanted = vec![Wanted::image(self.name.borrowed(), self.hardware)];
        let refreshed = self.client.refresh_as_vehicle(wanted).await?;
        let image = listing::find(&refreshed, self.name.borrowed(), self.hardware)?;
        let manifest = self.manifest(&image).await?;
        let parts = self.parts(refreshed, &manifest).await?;
        for part in &parts {
            self.obtain(part).await?;
        }
        let named = Descriptor { media_type: MediaType::Manifest, sha256: image.sha256, length: image.length };
        let all: BTreeSet<_> = parts.iter().chain([&image]).map(|blob| blob.sha256).collect();
        self.work.finish(&named, &all)?;
        Ok(Fetched { sha256: image.sha256, parts: parts.len() })
    }

    async fn manifest(&mut self, image: &Blob) -> Result<Manifest, Error> {
        let name = self.name;
        let no_image = |source| Error::Manifest { name: name.to_string(), source };
        let length = image.length.get();
        if length > MAX_MANIFEST {
            return Err(no_image(host::oci::Error::Long { what: "the manifest", length, limit: MAX_MANIFEST }));
        }
        self.obtain(image).await?;
        Manifest::decode(&self.work.read(image.sha256)?).map_err(no_image)
    }

    /// Looks all parts up, and only then keeps what was verified: before, nothing says that it leads to an image.
    async fn parts(&mut self, refreshed: Refreshed<Image>, manifest: &Manifest) -> Result<Vec<Blob>, Error> {
        let names = listing::parts(self.name.borrowed(), manifest)?;
        let wanted = names.iter().map(|name| Wanted::image(name.borrowed(), self.hardware)).collect();
        let refreshed = self.client.search(refreshed, wanted).await?;
        let found = names.iter().map(|name| listing::find(&refreshed, name.borrowed(), self.hardware));
        let parts = found.collect::<Result<Vec<_>, _>>()?;
        parts.iter().zip(manifest.blobs()).try_for_each(|(part, named)| listing::check(part, named))?;
        self.client.commit(&refreshed)?;
        Ok(parts)
    }

    /// Makes sure that a blob is there: downloads what is missing of it.
    async fn obtain(&mut self, blob: &Blob) -> Result<(), Error> {
        if self.work.has(blob)? {
            return Ok(());
        }
        let mut arriving = self.work.take(*blob)?;
        let resume = arriving.resume();
        let arrived = self.targets.download(&blob.path(), blob.length, resume.as_ref(), &mut arriving).await;
        arriving.end(arrived)
    }
}
