//! Do both repositories vouch for what the Director chose? (§5.4.4.2 step 10)

use super::Refused;
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
    /// What both repositories approve; `accepted` is the highest release an ECU ever accepted in a line.
    pub fn agree(&self, image: &Self, accepted: impl Fn(&str, &str) -> u64) -> Result<Vec<Approved>, Refused> {
        let mut approved = Vec::new();
        for (name, chosen) in self.targets.body.images()? {
            let vouched = image.find(name)?;
            let is_same = (chosen.length, &chosen.hashes, &chosen.matching)
                == (vouched.length, &vouched.hashes, &vouched.matching);
            if !is_same {
                return Err(Refused("mismatch"));
            }
            for (ecu, said) in &chosen.ecus {
                let floor = |line: &str| accepted(ecu, line);
                vouched.check_fits(&said.hardware, floor)?;
                if let Some(fallback) = &said.fallback {
                    image.find(fallback)?.check_fits(&said.hardware, floor)?;
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

    fn find(&self, name: &str) -> Result<Image, Refused> {
        self.targets.body.image(name).unwrap_or(Err(Refused("not in the Image repository")))
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
