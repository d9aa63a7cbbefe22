//! Rows read back into facts. A row that does not parse is a corrupt store, never a guess.

use std::str::FromStr;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uptane::metadata::{Delta, NamedDelta};
use uptane::{Attack, Counter, HardwareId, Hashes, Length, PublicKey, ReleaseCounter, ResultCode, Time, Version};

use super::Refused;
use crate::Error;
use crate::epoch::{ContentSeq, Epoch, EpochIndex, RoleKeyIds};
use crate::facts::{
    Desired, Ecu, Facts, ImageFiles, ImageTarget, Installed, LastManifest, LastReport, Patch, Seen, Vehicle,
};

/// The rows of one vehicle, one per ECU; none if there is no such vehicle.
pub(super) fn facts(rows: &[SqliteRow]) -> Result<Option<Facts>, Error> {
    let Some(first) = rows.first() else { return Ok(None) };
    let image_generation = Columns(first).number("image_generation")?;
    let patch_generation = Columns(first).number("patch_generation")?;
    let ecus = rows.iter().map(|row| ecu(&Columns(row))).collect::<Result<_, _>>()?;
    let (vehicle, epoch) = (vehicle(&Columns(first))?, epoch(first)?);
    Ok(Some(Facts { vehicle, ecus, epoch, image_generation, patch_generation }))
}

fn vehicle(row: &Columns<'_>) -> Result<Vehicle, Error> {
    let manifest = match (row.optional_parsed("manifest_digest")?, row.optional_number("manifest_counter")?) {
        (Some(digest), Some(counter)) => Some(LastManifest { digest, counter: Counter::new(counter)? }),
        _ => None,
    };
    let seen = match (row.optional_number("seen_at")?, row.optional_number("seen_counter")?) {
        (Some(at), Some(counter)) => Some(Seen { at: Time::from_unix(at)?, counter: Counter::new(counter)? }),
        _ => None,
    };
    Ok(Vehicle {
        id: row.parsed("vehicle")?,
        vin: row.optional_text("vin")?.map(str::to_owned),
        certificate: row.parsed("certificate")?,
        primary: row.parsed("primary_ecu")?,
        registered: row.time("registered")?,
        content_seq: ContentSeq::new(row.number("content_seq")?)?,
        manifest,
        seen,
    })
}

fn ecu(row: &Columns<'_>) -> Result<Ecu, Error> {
    let verification = row.text("verification")?.parse();
    Ok(Ecu {
        id: row.parsed("ecu")?,
        hardware: row.parsed("hardware")?,
        verification: verification.map_err(|_| Error::CorruptStore { column: "verification" })?,
        banks: row.parsed("banks")?,
        key: PublicKey::parse_ed25519(row.text("public_key")?)?,
        installed: installed(row)?,
        last_report: last_report(row)?,
        unreachable: row.optional_time("unreachable")?,
        desired: desired(row)?,
    })
}

fn installed(row: &Columns<'_>) -> Result<Option<Installed>, Error> {
    let Some(name) = row.optional_parsed("installed_name")? else { return Ok(None) };
    Ok(Some(Installed {
        name,
        length: Length::new(row.number("installed_length")?)?,
        sha256: row.parsed("installed_sha256")?,
        line: row.optional_parsed("installed_line")?,
        counter: ReleaseCounter::new(row.number("installed_counter")?)?,
    }))
}

fn last_report(row: &Columns<'_>) -> Result<Option<LastReport>, Error> {
    let Some(digest) = row.optional_parsed("report_digest")? else { return Ok(None) };
    let result = ResultCode::from_word(row.text("report_result")?);
    Ok(Some(LastReport {
        digest,
        counter: Counter::new(row.number("report_counter")?)?,
        time: row.time("report_time")?,
        result: result.ok_or(Error::CorruptStore { column: "report_result" })?,
        attack: row.attack("report_attack")?,
    }))
}

fn desired(row: &Columns<'_>) -> Result<Option<Desired>, Error> {
    let Some(name) = row.optional_parsed("desired_name")? else { return Ok(None) };
    let hardware = row.text("desired_hardware")?.split(' ').map(HardwareId::parse).collect::<Result<_, _>>()?;
    let image = ImageTarget {
        name,
        length: Length::new(row.number("desired_length")?)?,
        hashes: Hashes::new(row.optional_parsed("desired_sha256")?, row.optional_parsed("desired_sha512")?)?,
        hardware,
        line: row.parsed("desired_line")?,
        counter: ReleaseCounter::new(row.number("desired_counter")?)?,
    };
    let (listed, fallback) = (row.number("desired_listed")? != 0, row.optional_parsed("desired_fallback")?);
    let delta = named_delta(row, ["delta_name", "delta_length", "delta_sha256", "delta_base"])?;
    Ok(Some(Desired { image, listed, fallback, delta }))
}

/// What is said of a patch, from the columns of its name, length, digest and base.
fn named_delta(row: &Columns<'_>, columns: [&'static str; 4]) -> Result<Option<NamedDelta>, Error> {
    let [name, length, sha256, base] = columns;
    let Some(name) = row.optional_parsed(name)? else { return Ok(None) };
    let length = Length::new(row.number(length)?)?;
    Ok(Some(NamedDelta { name, delta: Delta { base: row.parsed(base)?, length, sha256: row.parsed(sha256)? } }))
}

/// A patch; `None` for the row that stands where there is none.
pub(super) fn patch(row: &SqliteRow) -> Result<Option<Patch>, Error> {
    let row = Columns(row);
    let Some(named) = named_delta(&row, ["name", "length", "sha256", "base"])? else { return Ok(None) };
    Ok(Some(Patch { named, makes: row.parsed("makes")? }))
}

/// The epoch in a row that has its columns.
pub(super) fn epoch(row: &SqliteRow) -> Result<Epoch, Error> {
    let row = Columns(row);
    Ok(Epoch {
        daily: EpochIndex::new(row.number("daily")?)?,
        daily_issued: row.time("daily_issued")?,
        monthly: EpochIndex::new(row.number("monthly")?)?,
        monthly_issued: row.time("monthly_issued")?,
        root: Version::new(row.number("root")?)?,
        format: u32::try_from(row.number("format")?).map_err(|_| Error::CorruptStore { column: "format" })?,
        keys: RoleKeyIds {
            timestamp: row.parsed("timestamp_key")?,
            snapshot: row.parsed("snapshot_key")?,
            targets: row.parsed("targets_key")?,
            time: row.parsed("time_key")?,
        },
        timestamp_lifetime: Duration::from_secs(row.number("timestamp_lifetime")?),
        targets_lifetime: Duration::from_secs(row.number("targets_lifetime")?),
    })
}

/// The Image repository's row.
pub(super) fn image(row: &SqliteRow) -> Result<(u64, ImageFiles), Error> {
    let row = Columns(row);
    let files = ImageFiles {
        root: row.optional_blob("root")?.unwrap_or_default(),
        timestamp: row.optional_blob("timestamp")?,
        snapshot: row.optional_blob("snapshot")?,
        targets: row.optional_blob("targets")?,
    };
    Ok((row.number("generation")?, files))
}

/// A dropped request.
pub(super) fn refused(row: &SqliteRow) -> Result<Refused, Error> {
    let row = Columns(row);
    Ok(Refused { at: row.time("at")?, reason: row.text("reason")?.to_owned(), attack: row.attack("attack")? })
}

/// One column parsed as `T`.
pub(super) fn one<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    Columns(row).parsed(column)
}

/// A number that is never missing.
pub(super) fn number(row: &SqliteRow, column: &'static str) -> Result<u64, Error> {
    Columns(row).number(column)
}

/// One file.
pub(super) fn file(row: &SqliteRow) -> Result<Vec<u8>, Error> {
    Columns(row).optional_blob("file").map(Option::unwrap_or_default)
}

struct Columns<'a>(&'a SqliteRow);

impl<'a> Columns<'a> {
    fn optional_text(&self, column: &'static str) -> Result<Option<&'a str>, Error> {
        self.0.try_get(column).map_err(|_| Error::CorruptStore { column })
    }

    fn text(&self, column: &'static str) -> Result<&'a str, Error> {
        self.optional_text(column)?.ok_or(Error::CorruptStore { column })
    }

    fn optional_blob(&self, column: &'static str) -> Result<Option<Vec<u8>>, Error> {
        self.0.try_get(column).map_err(|_| Error::CorruptStore { column })
    }

    fn optional_number(&self, column: &'static str) -> Result<Option<u64>, Error> {
        let number: Option<i64> = self.0.try_get(column).map_err(|_| Error::CorruptStore { column })?;
        number.map(u64::try_from).transpose().map_err(|_| Error::CorruptStore { column })
    }

    fn number(&self, column: &'static str) -> Result<u64, Error> {
        self.optional_number(column)?.ok_or(Error::CorruptStore { column })
    }

    fn optional_parsed<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, Error> {
        let parsed = self.optional_text(column)?.map(str::parse).transpose();
        parsed.map_err(|_| Error::CorruptStore { column })
    }

    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, Error> {
        self.optional_parsed(column)?.ok_or(Error::CorruptStore { column })
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Time>, Error> {
        Ok(self.optional_number(column)?.map(Time::from_unix).transpose()?)
    }

    fn time(&self, column: &'static str) -> Result<Time, Error> {
        self.optional_time(column)?.ok_or(Error::CorruptStore { column })
    }

    fn attack(&self, column: &'static str) -> Result<Option<Attack>, Error> {
        let Some(word) = self.optional_text(column)? else { return Ok(None) };
        Attack::from_word(word).map(Some).ok_or(Error::CorruptStore { column })
    }
}
