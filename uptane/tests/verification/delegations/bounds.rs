//! A look-up comes to an end, whatever the delegations are (trap T10).

use uptane::Error;
use uptane::sign::DelegationBuilder;
use uptane::testing::{Repo, Vehicle, role_keys};

use super::{changed, covering, fetched, paths, role, to, update};

// T10.
#[test]
fn delegations_in_a_circle_come_to_an_end() {
    let (repo, mut vehicle) = changed(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("last"));
        image.delegate("first", to("second"));
        image.delegate("second", to("first"));
        image.delegate("second", to("second"));
        image.supply("last", &[0]);
    });
    vehicle.update(&repo).unwrap();
    assert_eq!(fetched(&vehicle), ["2.first.json", "2.second.json", "2.last.json"]);
}

#[test]
fn a_look_up_visits_no_more_roles_than_the_limit() {
    let wide = |roles: usize| {
        let mut repo = Repo::seeded(1);
        repo.publish(|next| {
            for index in 0..roles {
                let name = format!("role-{index}");
                let delegation = DelegationBuilder::role(role(&name), role_keys("all"), paths(&["fw/*"]));
                next.image.delegate("targets", delegation);
                next.image.supply(&name, if index + 1 == roles { &[0] } else { &[] });
                next.image.signed_by(role(&name), &["image all 0"]);
            }
        });
        Vehicle::provisioned(&repo).update(&repo).map(|_| ())
    };
    assert_eq!(wide(256), Ok(()));
    assert_eq!(wide(257), Err(Error::Limit { what: "delegated roles of one look-up" }));
}

#[test]
fn a_look_up_compares_no_more_paths_than_the_limit() {
    let long = |files: usize| {
        update(|image| {
            let links: Vec<_> = (0..=files).map(|link| format!("link-{link}")).collect();
            for (link, next) in links.iter().zip(links.iter().skip(1)) {
                let from = if link == "link-0" { "targets" } else { link };
                for idle in 0..15 {
                    let many = vec!["no"; if idle == 0 { 4_095 } else { 4_096 }];
                    image.delegate(from, covering(&format!("idle-{idle}"), paths(&many)));
                }
                image.delegate(from, covering(next, paths(&vec!["fw/*"; 4_096])));
            }
            image.supply(&format!("link-{files}"), &[0]);
        })
        .map(|_| ())
    };
    assert_eq!(long(4), Ok(()));
    assert_eq!(long(5), Err(Error::Limit { what: "paths of one look-up" }));
}
