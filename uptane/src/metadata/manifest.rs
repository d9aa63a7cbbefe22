//! Vehicle version manifests (§5.4.2.1.1).

use super::fields::{keep_end, required};
use super::header::check_type;
use super::report::{attack, version_or_none};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::limits::{MAX_ECUS, MAX_REPORT};
use crate::{Attack, Counter, EcuId, Error, Role, Time, VehicleId, Version, told};

/// The highest Director versions a vehicle says it accepted (design D10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcceptedVersions {
    /// Of Root.
    pub root: Option<Version>,
    /// Of Snapshot.
    pub snapshot: Option<Version>,
    /// Of Targets.
    pub targets: Option<Version>,
    /// Of Timestamp.
    pub timestamp: Option<Version>,
}

/// A view of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    reports: &'a [u8],
    unreachable: &'a [u8],
    attack: Option<Attack>,
    counter: Counter,
    director: AcceptedVersions,
    primary: EcuId,
    vehicle: VehicleId,
}

impl<'a> Manifest<'a> {
    /// Decodes the `signed` of a file. The reports in it are files of their own, which nobody has looked at yet.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        read(signed, &mut reader)?;
        required(reader.typed.then_some(()), "_type")?;
        required((reader.reports != Span::default()).then_some(()), "reports")?;
        Ok(Self {
            reports: reader.reports.of(signed),
            unreachable: reader.unreachable.of(signed),
            attack: required(reader.attack, "attack")?,
            counter: required(reader.counter, "counter")?,
            director: required(reader.director, "director")?,
            primary: required(reader.primary, "primary")?,
            vehicle: required(reader.vehicle, "vehicle")?,
        })
    }

    /// The attack the Primary saw.
    pub fn attack(&self) -> Option<Attack> {
        self.attack
    }

    /// Never used before by this Primary, in manifests or check-ins.
    pub fn counter(&self) -> Counter {
        self.counter
    }

    /// What the vehicle says it accepted of the Director.
    pub fn director(&self) -> AcceptedVersions {
        self.director
    }

    /// Who signs.
    pub fn primary(&self) -> EcuId {
        self.primary
    }

    /// Its vehicle.
    pub fn vehicle(&self) -> VehicleId {
        self.vehicle
    }

    /// The reports, each a signed file.
    pub fn reports(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        walk::elements(self.reports)
    }

    /// The ECUs that do not answer, and since when (trap T30).
    pub fn unreachable(&self) -> impl Iterator<Item = (EcuId, Time)> + use<'a> {
        let since = |(ecu, since)| Some((EcuId::parse(ecu).ok()?, Time::parse(walk::text(since)?).ok()?));
        walk::members(self.unreachable).filter_map(since)
    }
}

#[derive(Default)]
struct Reader {
    typed: bool,
    reports: Span,
    report_count: usize,
    unreachable: Span,
    unreachable_count: usize,
    attack: Option<Option<Attack>>,
    counter: Option<Counter>,
    director: Option<AcceptedVersions>,
    primary: Option<EcuId>,
    vehicle: Option<VehicleId>,
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        match path.steps() {
            [] => event.object("signed"),
            [Step::Key("director")] => {
                self.director.get_or_insert_default();
                event.object("director")
            }
            [Step::Key("director"), Step::Key(role)] => self.director_version(role, event),
            [Step::Key("reports")] => {
                keep_end(&mut self.reports, event, span);
                event.array("reports")
            }
            [Step::Key("reports"), Step::Item] => self.report(event, span),
            [Step::Key("unreachable")] => {
                keep_end(&mut self.unreachable, event, span);
                event.object("unreachable")
            }
            [Step::Key("unreachable"), Step::Key(ecu)] => self.unreachable(ecu, event),
            [Step::Key(field)] => self.field(field, event),
            _ => Ok(()),
        }
    }
}

impl Reader {
    fn field(&mut self, field: &str, event: Event<'_>) -> Result<(), Error> {
        match field {
            "_type" => check_type(&mut self.typed, Role::Manifest, event.text("_type")?)?,
            "attack" => self.attack = Some(attack(event)?),
            "counter" => self.counter = Some(Counter::new(event.unsigned("counter")?)?),
            "primary" => self.primary = Some(EcuId::parse(event.text("primary")?)?),
            "vehicle" => self.vehicle = Some(VehicleId::parse(event.text("vehicle")?)?),
            _ => {}
        }
        Ok(())
    }

    fn director_version(&mut self, role: &str, event: Event<'_>) -> Result<(), Error> {
        let (version, director) = (version_or_none(event, "director")?, self.director.get_or_insert_default());
        match role {
            "root" => director.root = version,
            "snapshot" => director.snapshot = version,
            "targets" => director.targets = version,
            "timestamp" => director.timestamp = version,
            _ => {}
        }
        Ok(())
    }

    fn report(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        event.object("reports")?;
        if let Event::End(_) = event {
            self.report_count += 1;
        }
        match self.report_count > MAX_ECUS || span.end - span.start > MAX_REPORT {
            true => Err(Error::Limit { what: told("reports") }),
            false => Ok(()),
        }
    }

    fn unreachable(&mut self, ecu: &str, event: Event<'_>) -> Result<(), Error> {
        EcuId::parse(ecu)?;
        Time::parse(event.text("unreachable")?)?;
        self.unreachable_count += 1;
        match self.unreachable_count > MAX_ECUS {
            true => Err(Error::Limit { what: told("ECUs") }),
            false => Ok(()),
        }
    }
}
