//! The store of tests and of the simulator.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uptane::{EcuId, Sha256, TargetNameBuf, VehicleId, Version};

use super::{MAX_REFUSED, Refused, Store};
use crate::Error;
use crate::epoch::{ContentSeq, Epoch};
use crate::facts::{Accepted, Change, Desired, Facts, ImageFiles, NewVehicle, Patch, Relisted, Seen};

/// A store that lasts as long as the process.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

#[derive(Clone, Debug, Default)]
struct Tables {
    roots: BTreeMap<Version, Vec<u8>>,
    epoch: Option<Epoch>,
    image: (u64, ImageFiles),
    patches: (u64, BTreeMap<TargetNameBuf, Patch>),
    vehicles: BTreeMap<VehicleId, NewVehicle>,
    refused: BTreeMap<VehicleId, Vec<Refused>>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Changes are applied to a copy, so the tables are whole even if a thread panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    async fn by_certificate(&self, certificate: Sha256) -> Result<Option<Facts>, Error> {
        let tables = self.tables();
        let found = tables.vehicles.values().find(|row| row.vehicle.certificate == certificate);
        Ok(found.and_then(|row| tables.facts(row)))
    }

    async fn by_id(&self, vehicle: VehicleId) -> Result<Option<Facts>, Error> {
        let tables = self.tables();
        Ok(tables.vehicles.get(&vehicle).and_then(|row| tables.facts(row)))
    }

    async fn vehicles(&self) -> Result<Vec<VehicleId>, Error> {
        Ok(self.tables().vehicles.keys().copied().collect())
    }

    async fn epoch(&self) -> Result<Option<Epoch>, Error> {
        Ok(self.tables().epoch.clone())
    }

    async fn roots(&self, first: Version) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.tables().roots.range(first..).map(|(_, file)| file.clone()).collect())
    }

    async fn image(&self) -> Result<(u64, ImageFiles), Error> {
        Ok(self.tables().image.clone())
    }

    async fn patches(&self) -> Result<(u64, Vec<Patch>), Error> {
        let tables = self.tables();
        Ok((tables.patches.0, tables.patches.1.values().copied().collect()))
    }

    async fn refused(&self, vehicle: VehicleId) -> Result<Vec<Refused>, Error> {
        Ok(self.tables().refused.get(&vehicle).cloned().unwrap_or_default())
    }

    async fn apply(&self, change: Change) -> Result<(), Error> {
        let mut tables = self.tables();
        let mut changed = tables.clone();
        changed.apply(change)?;
        *tables = changed;
        Ok(())
    }
}

impl Tables {
    fn facts(&self, row: &NewVehicle) -> Option<Facts> {
        Some(Facts {
            vehicle: row.vehicle.clone(),
            ecus: row.ecus.clone(),
            epoch: self.epoch.clone()?,
            image_generation: self.image.0,
            patch_generation: self.patches.0,
        })
    }

    fn apply(&mut self, change: Change) -> Result<(), Error> {
        match change {
            Change::Register(new) => self.register(*new),
            Change::Assign { vehicle, expected, next, desired } => {
                let row = self.at(vehicle, expected, next)?;
                desired.into_iter().try_for_each(|(ecu, desired)| assign(row, ecu, desired))
            }
            Change::Relist { vehicle, expected, next, relisted } => {
                let row = self.at(vehicle, expected, next)?;
                relisted.into_iter().try_for_each(|relisted| relist(row, relisted))
            }
            Change::Accept(accepted) => self.accept(*accepted),
            Change::Refuse { vehicle, at, reason, attack } => {
                self.refuse(vehicle, Refused { at, reason, attack });
                Ok(())
            }
            Change::Seen(batch) => {
                batch.into_iter().for_each(|(vehicle, seen)| self.see(vehicle, seen));
                Ok(())
            }
            Change::Epoch(next) => self.advance(next),
            Change::Root { version, file, epoch } => {
                self.advance(epoch)?;
                self.roots.insert(version, file).map_or(Ok(()), |_| Err(Error::Conflict))
            }
            Change::Image { expected, files } => {
                if self.image.0 != expected {
                    return Err(Error::Conflict);
                }
                self.image = (expected + 1, files);
                Ok(())
            }
            Change::AddPatch { expected, patch } => self.add_patch(expected, *patch),
            Change::RemovePatch { expected, name } => {
                self.patches_at(expected)?.remove(&name).map(drop).ok_or(Error::Conflict)
            }
        }
    }

    /// The patches, their generation moved on from `expected`.
    fn patches_at(&mut self, expected: u64) -> Result<&mut BTreeMap<TargetNameBuf, Patch>, Error> {
        let (generation, patches) = &mut self.patches;
        if *generation != expected {
            return Err(Error::Conflict);
        }
        *generation += 1;
        Ok(patches)
    }

    fn add_patch(&mut self, expected: u64, patch: Patch) -> Result<(), Error> {
        let patches = self.patches_at(expected)?;
        if patches.values().any(|known| known.is_instead_of(&patch)) {
            return Err(Error::Conflict);
        }
        patches.insert(patch.named.name, patch);
        Ok(())
    }

    fn register(&mut self, mut new: NewVehicle) -> Result<(), Error> {
        let taken = self.vehicles.values().any(|row| {
            row.vehicle.certificate == new.vehicle.certificate
                || row.vehicle.id == new.vehicle.id
                || (row.vehicle.vin.is_some() && row.vehicle.vin == new.vehicle.vin)
        });
        if taken {
            return Err(Error::AlreadyRegistered);
        }
        new.ecus.sort_by_key(|ecu| ecu.id);
        self.vehicles.insert(new.vehicle.id, new);
        Ok(())
    }

    /// The vehicle, its sequence moved from `expected` to `next`.
    fn at(&mut self, vehicle: VehicleId, expected: ContentSeq, next: ContentSeq) -> Result<&mut NewVehicle, Error> {
        let row = self.vehicles.get_mut(&vehicle).filter(|row| row.vehicle.content_seq == expected);
        let row = row.ok_or(Error::Conflict)?;
        row.vehicle.content_seq = next;
        Ok(row)
    }

    fn accept(&mut self, accepted: Accepted) -> Result<(), Error> {
        let row = self.vehicles.get_mut(&accepted.vehicle).ok_or(Error::Conflict)?;
        if row.vehicle.manifest != accepted.previous {
            return Err(Error::Conflict);
        }
        row.vehicle.manifest = Some(accepted.manifest);
        if let Some((expected, next)) = accepted.content_seq {
            if row.vehicle.content_seq != expected {
                return Err(Error::Conflict);
            }
            row.vehicle.content_seq = next;
        }
        for (id, installed, report) in accepted.reports {
            let ecu = row.ecus.iter_mut().find(|ecu| ecu.id == id).ok_or(Error::Conflict)?;
            (ecu.installed, ecu.last_report) = (Some(installed), Some(report));
        }
        for ecu in &mut row.ecus {
            ecu.unreachable = accepted.unreachable.iter().find(|(id, _)| *id == ecu.id).map(|(_, since)| *since);
        }
        Ok(())
    }

    fn refuse(&mut self, vehicle: VehicleId, refused: Refused) {
        let kept = self.refused.entry(vehicle).or_default();
        kept.push(refused);
        if kept.len() > MAX_REFUSED {
            kept.remove(0);
        }
    }

    fn see(&mut self, vehicle: VehicleId, seen: Seen) {
        let Some(row) = self.vehicles.get_mut(&vehicle) else { return };
        if row.vehicle.seen.is_none_or(|known| known.counter < seen.counter) {
            row.vehicle.seen = Some(seen);
        }
    }

    fn advance(&mut self, next: Epoch) -> Result<(), Error> {
        let current = self.epoch.as_ref().map_or(0, |epoch| epoch.daily.get());
        if next.daily.get() != current + 1 {
            return Err(Error::Conflict);
        }
        self.epoch = Some(next);
        Ok(())
    }
}

fn assign(row: &mut NewVehicle, id: EcuId, desired: Desired) -> Result<(), Error> {
    let ecu = row.ecus.iter_mut().find(|ecu| ecu.id == id).ok_or(Error::Conflict)?;
    ecu.desired = Some(desired);
    Ok(())
}

fn relist(row: &mut NewVehicle, relisted: Relisted) -> Result<(), Error> {
    let ecu = row.ecus.iter_mut().find(|ecu| ecu.id == relisted.ecu);
    let desired = ecu.and_then(|ecu| ecu.desired.as_mut()).ok_or(Error::Conflict)?;
    (desired.listed, desired.fallback, desired.delta) = (relisted.listed, relisted.fallback, relisted.delta);
    Ok(())
}
