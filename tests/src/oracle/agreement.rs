//! Do both repositories vouch for what the Director chose? (§5.4.4.2 step 10)

use super::Refused;
use super::look_up::{Found, Wanted};
use super::roles::Image;
use super::update::Refreshed;

/// What one ECU is to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approved {
    /// The ECU.
    pub ecu: String,
    /// What the Director says it is.
    pub hardware: String,
    /// When it is its turn.
    pub order: Option<u64>,
    /// Name, length, SHA-256 and release counter of its image.
    pub image: (String, u64, Option<String>, u64),
    /// The name of the image to return to.
    pub fallback: Option<String>,
}

impl Refreshed {
    /// What the Director has the Image repository asked for: each image for the hardware it is to run on, and each it
    /// would return to.
    pub fn wanted(&self) -> Result<Vec<Wanted>, Refused> {
        let mut wanted = Vec::new();
        for (name, chosen) in self.targets.body.images()? {
            for said in chosen.ecus.values() {
                wanted.push((name.to_owned(), said.hardware.clone()));
                wanted.extend(said.fallback.iter().map(|name| (name.clone(), said.hardware.clone())));
            }
        }
        Ok(wanted)
    }

    /// What both repositories approve; `accepted` is the highest release an ECU ever accepted in a line.
    pub fn agree(&self, image: &Found, accepted: impl Fn(&str, &str) -> u64) -> Result<Vec<Approved>, Refused> {
        let mut approved = Vec::new();
        for (name, chosen) in self.targets.body.images()? {
            for (ecu, said) in &chosen.ecus {
                let vouched = image.image(name, &said.hardware)?;
                if !chosen.is_same_as(&vouched) {
                    return Err(Refused("mismatch"));
                }
                let floor = |line: &str| accepted(ecu, line);
                vouched.check_fits(&said.hardware, floor)?;
                if let Some(fallback) = &said.fallback {
                    image.image(fallback, &said.hardware)?.check_fits(&said.hardware, floor)?;
                }
                approved.push(Approved {
                    ecu: ecu.clone(),
                    hardware: said.hardware.clone(),
                    order: said.order,
                    image: image_line(name, &vouched),
                    fallback: said.fallback.clone(),
                });
            }
        }
        approved.sort();
        Ok(approved)
    }
}

fn image_line(name: &str, image: &Image) -> (String, u64, Option<String>, u64) {
    (name.to_owned(), image.length, image.hashes.sha256().map(str::to_owned), image.release_counter)
}

impl Image {
    /// For this hardware, and no older than what was accepted.
    fn check_fits(&self, hardware: &str, accepted: impl Fn(&str) -> u64) -> Result<(), Refused> {
        if !self.hardware.contains(hardware) {
            return Err(Refused("hardware"));
        }
        if self.release_counter < accepted(&self.line) {
            return Err(Refused("release counter"));
        }
        Ok(())
    }
}
