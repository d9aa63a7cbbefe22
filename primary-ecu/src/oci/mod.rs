//! Fetching a container image: the command `fetch-oci`.
//!
//! The Image repository lists the manifest of an image under the image's name, and its configuration and each layer as
//! `NAME.sha256-HEX` (docs/container-images.md). All of them are looked up as a vehicle looks up what it installs: under
//! Uptane's policy, for one kind of hardware. What metadata lists of a part must also be what the manifest says of it.
//!
//! `listing` judges what is listed, `work` keeps what arrives until the image is whole, `driver` asks for it.

mod driver;
mod error;
mod listing;
mod work;

use std::path::PathBuf;

use clap::Args;
use uptane::{HardwareId, TargetNameBuf};

use error::Error;

/// Which image, from where, and where to.
#[derive(Debug, Args)]
pub(crate) struct FetchOci {
    /// The image's name.
    name: TargetNameBuf,
    /// The hardware it is for.
    #[arg(long, value_name = "ID")]
    hardware_id: HardwareId,
    /// The folder of trusted metadata, as `tuf-client` keeps it.
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    /// Where the repository's metadata is.
    #[arg(long, value_name = "URL")]
    metadata_url: String,
    /// Where the repository's targets are.
    #[arg(long, value_name = "URL")]
    targets_url: String,
    /// The layout to be made, which is not there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl FetchOci {
    pub(crate) fn run(self) -> Result<(), Error> {
        let fetched = driver::fetch(&self)?;
        host::cli::print(format_args!(
            "{}: image sha256:{} in {} parts",
            self.out.display(),
            fetched.sha256,
            fetched.parts
        ));
        Ok(())
    }
}
