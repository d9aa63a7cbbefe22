//! The manufacturer as its tools and an independent client see it.

use director::desired::Catalogue;
use uptane::verify::{Refresh, Trusted};
use uptane::{Director as DirectorRepo, Nonce};

use super::*;
use crate::world::vehicle::ready::Ready;

fn time(seconds: u64) -> Time {
    Time::from_unix(1_767_225_600 + seconds).unwrap()
}

fn compact() -> Vehicle {
    Ready::named("8-ecus-compact").unwrap().vehicle().unwrap()
}

fn scenario() -> crate::world::scenario::Scenario {
    let ready = crate::world::scenario::ready::Ready::named("default-mix").unwrap();
    crate::world::scenario::Scenario::parse("default-mix", ready.text, |_| Ok(compact())).unwrap()
}

fn oem() -> Oem {
    Oem::found(&compact(), &Chance::seeded(1), time(0)).unwrap()
}

/// Fetches everything as a client that trusts only what the vehicle was provisioned with.
fn refreshed(oem: &Oem, now: Time) -> uptane::verify::Refreshed<Image> {
    let root = &oem.bundle().images[0].1.bytes;
    let mut refresh = Refresh::image(Trusted::provision(root).unwrap(), now);
    while let Step::Fetch { file, .. } = refresh.next() {
        let file = oem.get(&format!("metadata/{}", file.file_name()));
        refresh.supply(file.map(<[u8]>::to_vec).map(Into::into)).unwrap();
    }
    refresh.finish().unwrap()
}

#[test]
fn the_same_seed_makes_the_same_manufacturer() {
    let [first, again] = [oem(), oem()];
    assert_eq!(first.images.published().collect::<Vec<_>>(), again.images.published().collect::<Vec<_>>());
    assert_eq!(first.bundle().director.bytes, again.bundle().director.bytes);
    let other = Oem::found(&compact(), &Chance::seeded(2), time(0)).unwrap();
    assert_ne!(first.inventory().id, other.inventory().id);
    assert_ne!(first.bundle().director.bytes, other.bundle().director.bytes);
}

#[test]
fn what_is_published_is_listed_fetched_and_of_its_size() {
    let (mut oem, scenario) = (oem(), scenario());
    let release = &scenario.releases()[0];
    oem.publish(release, time(10)).unwrap();
    let verified = refreshed(&oem, time(11));
    let listed = Catalogue::of(&verified.targets().file().view()).unwrap();
    for image in release.images() {
        let firmware = oem.firmware(image.ecu, release.name()).unwrap();
        assert!(listed.find(firmware.image.name).is_some());
        let path = image_repo::facts::stored_name(firmware.image.name.borrowed(), firmware.image.sha256);
        let served = oem.get(&format!("targets/{path}")).unwrap();
        assert_eq!(u64::try_from(served.len()).unwrap(), image.size.0);
        assert_eq!(Sha256::of(served), firmware.image.sha256);
    }
}

#[test]
fn an_image_is_authorised_once_it_is_assigned() {
    let (mut oem, scenario) = (oem(), scenario());
    let (release, campaign) = (&scenario.releases()[0], &scenario.campaigns()[0]);
    oem.publish(release, time(10)).unwrap();
    let ecu = campaign.ecus()[0];
    let image = oem.firmware(ecu, release.name()).unwrap().image.sha256;
    assert!(!oem.authorises(ecu, image));
    oem.assign(campaign, time(20)).unwrap();
    assert!(oem.authorises(ecu, image));
    assert_eq!(oem.authorised(ecu).count(), 2);
    assert_eq!(oem.believes(ecu), Some(oem.factory(ecu).unwrap().image.sha256));
    assert_eq!(oem.release_of(ecu, image), Some(release.name()));
}

#[test]
fn every_key_can_be_replaced_and_clients_follow() {
    let text = crate::world::scenario::ready::Ready::named("key-rotation").unwrap().text;
    let scenario = crate::world::scenario::Scenario::parse("key-rotation", text, |name| {
        Ok(Ready::named(name).unwrap().vehicle().unwrap())
    })
    .unwrap();
    let mut oem = Oem::found(scenario.vehicle(), &Chance::seeded(1), time(0)).unwrap();
    assert!(!scenario.rotations().is_empty());
    for (number, rotation) in (1..).zip(scenario.rotations()) {
        oem.rotate(rotation, time(number * 60)).unwrap();
        refreshed(&oem, time(number * 60));
    }
    oem.renew(time(5_000)).unwrap();
}

#[test]
fn a_year_without_news_expires_nothing() {
    let mut oem = oem();
    let day = 86_400;
    for number in (0..400).step_by(3) {
        oem.renew(time(number * day)).unwrap();
        refreshed(&oem, time((number + 3) * day - 1));
    }
    let root = settled(oem.director.store().roots(Version::FIRST)).unwrap();
    assert!(root.len() > 1, "the Director's Root was renewed");
    Trusted::<DirectorRepo>::provision(root.last().unwrap()).unwrap();
}

#[test]
fn a_check_in_that_nobody_signed_is_rejected() {
    let mut oem = oem();
    let statement = Statement::Manifest(b"{}".to_vec());
    let request = CheckInRequest { versions: [1, 0, 0, 0], nonces: vec![Nonce([1; 16])], statement };
    let refused = oem.check_in(&request, time(1));
    assert!(matches!(refused, Err(primary_ecu::Error::Rejected { .. })), "{refused:?}");
}

#[test]
fn a_changed_image_is_published_with_a_patch_that_makes_it_of_the_one_before() {
    let scenario = crate::world::scenario::ready::Ready::named("delta").unwrap().scenario().unwrap();
    let mut oem = Oem::found(scenario.vehicle(), &Chance::seeded(1), time(0)).unwrap();
    for (at, release) in (1..).zip(scenario.releases()) {
        oem.publish(release, time(at)).unwrap();
    }
    let [before, after] = ["r2", "r3"]
        .map(|release| oem.firmware(EcuId::parse("brakes").unwrap(), &Name::parse(release).unwrap()).unwrap().clone());
    let (_, patches) = settled(oem.director.store().patches()).unwrap();
    let patch = patches.iter().find(|patch| patch.makes == after.image.sha256).unwrap();
    assert_eq!(patch.named.delta.base, before.image.sha256);
    let path = image_repo::facts::stored_name(patch.named.name.borrowed(), patch.named.delta.sha256);
    let bytes = oem.get(&format!("targets/{path}")).unwrap();
    assert!(bytes.len() * 10 < after.bytes.len(), "{}", bytes.len());
    assert_eq!(image_repo::delta::apply(&before.bytes, bytes, after.bytes.len()).unwrap()[..], after.bytes[..]);
}
