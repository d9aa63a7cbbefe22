//! The image an ECU leaves the factory with, as every `init` takes it.

use std::path::{Path, PathBuf};

use uptane::{HardwareId, ImageLine, ReleaseCounter, TargetName, TargetNameBuf};

/// Options of `init`; what is not given follows from the hardware.
#[derive(Debug, clap::Args)]
pub struct FirstImage {
    /// The image it leaves the factory with; without one it makes a small one.
    #[arg(long, requires = "image_name")]
    image: Option<PathBuf>,
    /// That image's name in the Image repository.
    #[arg(long)]
    image_name: Option<String>,
    /// That image's release counter.
    #[arg(long, default_value = "0", value_parser = counter)]
    release_counter: ReleaseCounter,
    /// The line of images that counter counts in; the hardware id if not given.
    #[arg(long)]
    line: Option<ImageLine>,
}

impl FirstImage {
    /// Where the image is, if one was given; otherwise it is [`Self::made_for`] the hardware.
    pub fn path(&self) -> Option<&Path> {
        self.image.as_deref()
    }

    /// The small image of an ECU that was given none.
    pub fn made_for(hardware: HardwareId) -> Vec<u8> {
        format!("factory image of {hardware}\n").into_bytes()
    }

    /// Its name in the Image repository.
    pub fn name(&self, hardware: HardwareId) -> Result<TargetNameBuf, uptane::Error> {
        match &self.image_name {
            Some(name) => TargetName::parse(name).map(TargetName::to_buf),
            None => TargetName::parse(&format!("factory/{hardware}.bin")).map(TargetName::to_buf),
        }
    }

    /// Its release counter.
    pub fn counter(&self) -> ReleaseCounter {
        self.release_counter
    }

    /// The line its counter counts in.
    pub fn line(&self, hardware: HardwareId) -> Result<ImageLine, uptane::Error> {
        self.line.map_or_else(|| ImageLine::parse(hardware.as_str()), Ok)
    }
}

fn counter(text: &str) -> Result<ReleaseCounter, String> {
    let number = text.parse().map_err(|_| "a number is expected".to_owned())?;
    ReleaseCounter::new(number).map_err(|error| error.to_string())
}
