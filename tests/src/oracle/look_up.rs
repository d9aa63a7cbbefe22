//! Where an image stands in and below the Targets of the Image repository (§5.4.4.7, §5.4.4.8).
//!
//! Nothing is remembered from one look-up to the next but the files that came. The bounds of one look-up on the roles it
//! visits and the paths it compares are not kept here: no mutation comes near them.

use std::collections::{BTreeMap, BTreeSet};

use super::delegations::{Delegation, Delegations, Role, To, bin};
use super::file::check_bytes;
use super::keys::Appointed;
use super::roles::{Image, Said, Targets};
use super::update::{MAX_TARGETS, Refreshed, check_follows};
use super::words::file_part;
use super::{Audience, Held, Oracle, Refused, Served};

/// A name, and the hardware it is wanted for.
pub type Wanted = (String, String);

/// What came of all look-ups.
#[derive(Clone, Debug, Default)]
pub struct Found {
    places: BTreeMap<Wanted, Result<Place, Refused>>,
    /// Every delegated file that was good, by its role.
    pub good: BTreeMap<String, Vec<u8>>,
}

/// Where an image stands.
#[derive(Clone, Debug)]
struct Place {
    image: Image,
    file: Vec<u8>,
}

impl Found {
    /// Each image that was looked for, and the file in which it stands.
    pub fn files(&self) -> impl Iterator<Item = (&Wanted, Option<&[u8]>)> {
        self.places.iter().map(|(wanted, place)| {
            let place = place.as_ref().ok();
            (wanted, place.map(|place| place.file.as_slice()))
        })
    }

    /// An image for some hardware.
    pub(super) fn image(&self, name: &str, hardware: &str) -> Result<Image, Refused> {
        let place = self.places.get(&(name.to_owned(), hardware.to_owned()));
        place.cloned().unwrap_or(Err(Refused("not looked for"))).map(|place| place.image)
    }
}

/// A file that was opened, and every image that is wanted of it.
#[derive(Clone)]
struct Opened {
    file: Vec<u8>,
    images: BTreeMap<String, Image>,
    delegations: Option<Delegations>,
}

/// All look-ups together.
struct LookUps<'a> {
    oracle: &'a mut Oracle,
    image: &'a Refreshed,
    held: &'a BTreeMap<String, Vec<u8>>,
    served: &'a Served,
    now: u64,
    names: BTreeSet<&'a str>,
    fetched: BTreeSet<String>,
    good: BTreeMap<String, Vec<u8>>,
}

impl Oracle {
    /// Looks for images, and tells `fetched` the name of each file it looks at.
    pub fn look_up(
        &mut self,
        image: &Refreshed,
        wanted: &[Wanted],
        held: &Held,
        served: &Served,
        now: u64,
        fetched: &mut BTreeSet<String>,
    ) -> Found {
        let nothing = BTreeMap::new();
        let held = if image.forgot { &nothing } else { &held.delegated };
        let names = wanted.iter().map(|(name, _)| name.as_str()).collect();
        let (fresh, good) = (BTreeSet::new(), BTreeMap::new());
        let mut all = LookUps { oracle: self, image, held, served, now, names, fetched: fresh, good };
        let top = all.read(&image.targets);
        let mut places = BTreeMap::new();
        for wanted in wanted {
            let place = top.clone().and_then(|top| all.look_for(wanted, &top));
            places.insert(wanted.clone(), place);
        }
        fetched.append(&mut all.fetched);
        Found { places, good: all.good }
    }
}

impl LookUps<'_> {
    fn look_for(&mut self, (name, hardware): &Wanted, top: &Opened) -> Result<Place, Refused> {
        let mut walk = Walk { all: self, name, hardware };
        walk.search(top, false, 1, &mut BTreeSet::new())?.ok_or(Refused("nobody lists it"))
    }

    /// What is wanted of a file. An image that is malformed spoils it.
    fn read(&self, said: &Said<Targets>) -> Result<Opened, Refused> {
        let wanted = self.names.iter().filter_map(|name| Some((*name, said.body.image(name)?)));
        let images: BTreeMap<String, Image> =
            wanted.map(|(name, image)| Ok((name.to_owned(), image?))).collect::<Result<_, _>>()?;
        Ok(Opened { file: said.file.received.clone(), images, delegations: said.body.delegations.clone() })
    }

    /// The file of a role, as the one who delegates to it vouches for it (§5.4.4.6).
    fn open(&mut self, role: &str, by: &Appointed) -> Result<Opened, Refused> {
        let listed = self.image.snapshot.body.0.get(&format!("{role}.json")).ok_or(Refused("unlisted"))?.clone();
        // What was held of it is worth what these keys make of it.
        let held = self.held.get(role).and_then(|file| self.judge(file, by).ok());
        if let Some(held) = held.clone().filter(|held| held.file.check_listed(&listed).is_ok())
            && held.header.check_expiry(self.now).is_ok()
        {
            return self.take(role, &held);
        }
        let file = self.served.delegated.get(role).ok_or(Refused("missing"))?;
        self.fetched.insert(format!("{}.{}.json", listed.version, file_part(role)));
        check_bytes(file, &listed)?;
        let said = self.judge(file, by)?;
        said.file.check_version(&listed)?;
        if let Some(held) = &held {
            check_follows(held, &said)?;
        }
        said.header.check_expiry(self.now)?;
        self.take(role, &said)
    }

    /// Signed by those who speak for the role, and of the Image repository.
    fn judge(&mut self, file: &[u8], by: &Appointed) -> Result<Said<Targets>, Refused> {
        let said = Said::read(file, MAX_TARGETS)?;
        self.oracle.check_signed(&said.file, by)?;
        said.header.check_audience(Audience::Everybody)?;
        Ok(said)
    }

    fn take(&mut self, role: &str, said: &Said<Targets>) -> Result<Opened, Refused> {
        let opened = self.read(said)?;
        self.good.insert(role.to_owned(), said.file.received.clone());
        Ok(opened)
    }
}

/// One look-up.
struct Walk<'w, 'a> {
    all: &'w mut LookUps<'a>,
    name: &'w str,
    hardware: &'w str,
}

/// Roles that were searched before, whoever led to them: they are not searched again.
type Searched = BTreeSet<String>;

impl Walk<'_, '_> {
    /// In a file, then below it, in depth before what comes next.
    fn search(
        &mut self,
        file: &Opened,
        terminating: bool,
        depth: usize,
        searched: &mut Searched,
    ) -> Result<Option<Place>, Refused> {
        if let Some(image) = file.images.get(self.name) {
            return Ok(Some(Place { image: image.clone(), file: file.file.clone() }));
        }
        // What a terminating role does not list itself is not found.
        if terminating {
            return Err(Refused("terminating"));
        }
        match &file.delegations {
            None => Ok(None),
            Some(Delegations::Roles(list)) => self.search_list(list, depth, searched),
            Some(Delegations::Bins { prefix, bits, by }) => {
                let role = Role { name: bin(prefix, *bits, self.name), by: by.clone() };
                let found = self.visit(&role, true, depth, searched)?;
                found.map(Some).ok_or(Refused("not in its bin"))
            }
        }
    }

    fn search_list(
        &mut self,
        list: &[Delegation],
        depth: usize,
        searched: &mut Searched,
    ) -> Result<Option<Place>, Refused> {
        for delegation in list {
            if !delegation.applies(self.name, self.hardware) {
                continue;
            }
            let found = match &delegation.to {
                To::Role(role) => self.visit(role, delegation.terminating, depth, searched)?,
                To::Roles(needed, roles) => self.agreed(*needed, roles, depth, searched),
            };
            if found.is_some() {
                return Ok(found);
            }
            if delegation.terminating {
                return Err(Refused("terminating"));
            }
        }
        Ok(None)
    }

    fn visit(
        &mut self,
        role: &Role,
        terminating: bool,
        depth: usize,
        searched: &mut Searched,
    ) -> Result<Option<Place>, Refused> {
        if depth > 32 {
            return Err(Refused("depth"));
        }
        let file = self.all.open(&role.name, &role.by)?;
        match searched.insert(role.name.clone()) {
            true => self.search(&file, terminating, depth + 1, searched),
            false => Ok(None),
        }
    }

    /// What enough roles say alike; of several such groups, that of the earliest role.
    fn agreed(&mut self, needed: usize, roles: &[Role], depth: usize, searched: &Searched) -> Option<Place> {
        // Each goes its own way. One whose file is missing or bad has no vote.
        let votes: Vec<Place> =
            roles.iter().filter_map(|role| self.visit(role, false, depth, &mut searched.clone()).ok()?).collect();
        let alike = |one: &Place| votes.iter().filter(|other| other.image.is_same_as(&one.image)).count();
        votes.iter().find(|vote| alike(vote) >= needed).cloned()
    }
}
