//! ECU version reports (§5.4.2.1.2).

use super::fields::{HashesReader, required};
use super::header::check_type;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::{
    Attack, CampaignId, Counter, EcuId, Error, HardwareId, Hashes, Length, Nonce, ReleaseCounter, ResultCode, Role,
    TargetNameBuf, Time, TransactionId, VehicleId, Version, told,
};

/// What an ECU reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who reports.
    pub ecu: EcuId,
    /// What it is.
    pub hardware_id: HardwareId,
    /// The vehicle it stands in.
    pub vehicle: VehicleId,
    /// Never used before by this ECU.
    pub counter: Counter,
    /// The latest time it can vouch for.
    pub time: Time,
    /// The image it boots.
    pub image: ReportedImage,
    /// How the last update ended.
    pub result: ResultCode,
    /// The attack it saw.
    pub attack: Option<Attack>,
    /// The Director Targets it accepted last.
    pub targets_version: Option<Version>,
    /// The nonce its Primary sent.
    pub nonce: Option<Nonce>,
    /// The transaction the result is of.
    pub transaction: Option<TransactionId>,
    /// The campaign the result is of.
    pub campaign: Option<CampaignId>,
}

/// The image an ECU says it boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedImage {
    /// Its name in both repositories.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digests.
    pub hashes: Hashes,
    /// Its release.
    pub release_counter: ReleaseCounter,
}

impl Report {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        read(signed, &mut reader)?;
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    typed: bool,
    ecu: Option<EcuId>,
    hardware_id: Option<HardwareId>,
    vehicle: Option<VehicleId>,
    counter: Option<Counter>,
    time: Option<Time>,
    image: ImageReader,
    result: Option<ResultCode>,
    attack: Option<Option<Attack>>,
    targets_version: Option<Option<Version>>,
    nonce: Option<Nonce>,
    transaction: Option<TransactionId>,
    campaign: Option<CampaignId>,
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        match path.steps() {
            [] => event.object("signed"),
            [Step::Key("image"), rest @ ..] => self.image.event(rest, event),
            [Step::Key(field)] => self.field(field, event),
            _ => Ok(()),
        }
    }
}

impl Reader {
    fn field(&mut self, field: &str, event: Event<'_>) -> Result<(), Error> {
        match field {
            "_type" => check_type(&mut self.typed, Role::Report, event.text("_type")?)?,
            "attack" => self.attack = Some(attack(event)?),
            "campaign" => self.campaign = Some(CampaignId::parse(event.text("campaign")?)?),
            "counter" => self.counter = Some(Counter::new(event.unsigned("counter")?)?),
            "ecu" => self.ecu = Some(EcuId::parse(event.text("ecu")?)?),
            "hardware_id" => self.hardware_id = Some(HardwareId::parse(event.text("hardware_id")?)?),
            "nonce" => self.nonce = Some(Nonce::parse(event.text("nonce")?)?),
            "result" => {
                let result = ResultCode::from_word(event.text("result")?);
                self.result = Some(result.ok_or(Error::Schema { field: told("result") })?);
            }
            "targets_version" => self.targets_version = Some(version_or_none(event, "targets_version")?),
            "time" => self.time = Some(Time::parse(event.text("time")?)?),
            "transaction" => self.transaction = Some(TransactionId::parse(event.text("transaction")?)?),
            "vehicle" => self.vehicle = Some(VehicleId::parse(event.text("vehicle")?)?),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Report, Error> {
        required(self.typed.then_some(()), "_type")?;
        Ok(Report {
            ecu: required(self.ecu, "ecu")?,
            hardware_id: required(self.hardware_id, "hardware_id")?,
            vehicle: required(self.vehicle, "vehicle")?,
            counter: required(self.counter, "counter")?,
            time: required(self.time, "time")?,
            image: self.image.finish()?,
            result: required(self.result, "result")?,
            attack: required(self.attack, "attack")?,
            targets_version: required(self.targets_version, "targets_version")?,
            nonce: self.nonce,
            transaction: self.transaction,
            campaign: self.campaign,
        })
    }
}

#[derive(Default)]
struct ImageReader {
    name: Option<TargetNameBuf>,
    length: Option<Length>,
    hashes: Option<HashesReader>,
    release_counter: Option<ReleaseCounter>,
}

impl ImageReader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("image")?,
            [Step::Key("hashes"), rest @ ..] => self.hashes.get_or_insert_default().event(rest, event)?,
            [Step::Key("length")] => self.length = Some(Length::new(event.unsigned("length")?)?),
            [Step::Key("name")] => self.name = Some(TargetNameBuf::parse(event.text("name")?)?),
            [Step::Key("release_counter")] => {
                self.release_counter = Some(ReleaseCounter::new(event.unsigned("release_counter")?)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<ReportedImage, Error> {
        Ok(ReportedImage {
            name: required(self.name, "name")?,
            length: required(self.length, "length")?,
            hashes: required(self.hashes, "hashes")?.finish()?,
            release_counter: required(self.release_counter, "release_counter")?,
        })
    }
}

/// The attack word, or `none`.
pub(super) fn attack(event: Event<'_>) -> Result<Option<Attack>, Error> {
    match event.text("attack")? {
        "none" => Ok(None),
        word => Attack::from_word(word).map(Some).ok_or(Error::Schema { field: told("attack") }),
    }
}

/// A version, or zero for none.
pub(super) fn version_or_none(event: Event<'_>, field: &'static str) -> Result<Option<Version>, Error> {
    match event.unsigned(field)? {
        0 => Ok(None),
        version => Version::new(version).map(Some),
    }
}
