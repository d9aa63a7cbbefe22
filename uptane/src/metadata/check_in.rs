//! The statement of an idle check-in (design D9).

use super::fields::required;
use super::header::check_type;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::{Counter, EcuId, Error, Role, Sha256, VehicleId};

/// What an idle check-in says: nothing changed since that manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// Never used before by this Primary, in manifests or check-ins.
    pub counter: Counter,
    /// Digest of the last manifest file the Director accepted.
    pub manifest: Sha256,
    /// Who signs.
    pub primary: EcuId,
    /// Its vehicle.
    pub vehicle: VehicleId,
}

impl CheckIn {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        read(signed, &mut reader)?;
        required(reader.typed.then_some(()), "_type")?;
        Ok(Self {
            counter: required(reader.counter, "counter")?,
            manifest: required(reader.manifest, "manifest")?,
            primary: required(reader.primary, "primary")?,
            vehicle: required(reader.vehicle, "vehicle")?,
        })
    }
}

#[derive(Default)]
struct Reader {
    typed: bool,
    counter: Option<Counter>,
    manifest: Option<Sha256>,
    primary: Option<EcuId>,
    vehicle: Option<VehicleId>,
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        match path.steps() {
            [] => event.object("signed")?,
            [Step::Key("_type")] => check_type(&mut self.typed, Role::CheckIn, event.text("_type")?)?,
            [Step::Key("counter")] => self.counter = Some(Counter::new(event.unsigned("counter")?)?),
            [Step::Key("manifest")] => self.manifest = Some(Sha256::parse(event.text("manifest")?)?),
            [Step::Key("primary")] => self.primary = Some(EcuId::parse(event.text("primary")?)?),
            [Step::Key("vehicle")] => self.vehicle = Some(VehicleId::parse(event.text("vehicle")?)?),
            _ => {}
        }
        Ok(())
    }
}
