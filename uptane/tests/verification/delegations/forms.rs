//! The form of delegations (§5.2.3.2): what is not sound, or not known, refuses the file it stands in.

use uptane::metadata::{Covers, Delegatee, Delegations};
use uptane::sign::{BinsBuilder, DelegationBuilder, KeySet, SignError, Signer as _, TargetsBuilder};
use uptane::testing::{role_keys, signer};
use uptane::{Error, Image, Role, Time, Version};

use super::{paths, role, to};

/// The key objects `a` and `b`, the same key under another id, and one of a kind nobody knows.
fn keys(fields: &str) -> String {
    let object = |label: &str| {
        let key = signer(label).public_key();
        format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{key}"}},"scheme":"ed25519"}}"#)
    };
    let keys = [("a", object("a")), ("again", object("a")), ("b", object("b"))];
    let future = r#""future":{"keytype":"new","keyval":{"public":"?"},"scheme":"new"}"#;
    let named = keys.iter().filter(|(id, _)| fields.split(' ').any(|field| field == *id));
    let named = named.map(|(id, object)| format!("\"{id}\":{object}")).chain([future.to_owned()]);
    let mut named: Vec<_> = named.collect();
    named.sort();
    format!("{{{}}}", named.join(","))
}

fn decode(keys_named: &str, rest: &str) -> Result<Delegations, Error> {
    Delegations::decode(format!(r#"{{"keys":{},{rest}}}"#, keys(keys_named)).as_bytes())
}

fn refused(rest: &str) -> Error {
    decode("a b", rest).map(|_| ()).unwrap_err()
}

fn one(role: &str) -> Error {
    refused(&format!(r#""roles":[{role}]"#))
}

const fn schema(field: &'static str) -> Error {
    Error::Schema { field }
}

#[test]
fn delegations_keep_their_order_of_priority() {
    let names = ["z", "a", "m", "b"];
    let key = signer("top");
    let file = TargetsBuilder::<Image>::image(Version::FIRST, Time::MAX).delegate(names.map(to)).unwrap();
    let file = file.sign(&KeySet::new([key.public_key()], 1).unwrap(), &[&key]).unwrap();
    let envelope = uptane::metadata::Envelope::decode(&file).unwrap();
    let view = uptane::metadata::Targets::decode(envelope.signed()).unwrap();
    let Delegations::Listed(list) = Delegations::decode(view.delegations().unwrap()).unwrap() else {
        panic!("they are listed")
    };
    let read: Vec<_> = list.iter().map(|delegation| delegation.to().name().as_str().to_owned()).collect();
    assert_eq!(read, names);
}

#[test]
fn a_delegation_reads_as_it_was_built() {
    let key = signer("top");
    let built = to("brakes").for_hardware([super::hardware("hw-0")]).terminating();
    let roles = ["a", "b"].map(|name| (role(name), role_keys(name))).into();
    let set = DelegationBuilder::roles(role("set"), 2, roles, Covers::HashPrefixes(vec!["0a".into()]));
    let file = TargetsBuilder::<Image>::image(Version::FIRST, Time::MAX).delegate([built, set]).unwrap();
    let file = file.sign(&KeySet::new([key.public_key()], 1).unwrap(), &[&key]).unwrap();
    let envelope = uptane::metadata::Envelope::decode(&file).unwrap();
    let view = uptane::metadata::Targets::decode(envelope.signed()).unwrap();
    let Delegations::Listed(list) = Delegations::decode(view.delegations().unwrap()).unwrap() else {
        panic!("they are listed")
    };
    let [one, several] = list.as_slice() else { panic!("there are two") };
    assert_eq!(one.covers(), &paths(&["fw/*"]));
    assert_eq!(one.hardware_ids(), Some([super::hardware("hw-0")].as_slice()));
    assert!(one.is_terminating());
    let Delegatee::Role(brakes) = one.to() else { panic!("it is one role") };
    assert_eq!((brakes.name(), brakes.keys().threshold()), (role("brakes"), 1));
    assert_eq!(several.covers(), &Covers::HashPrefixes(vec!["0a".into()]));
    assert_eq!(several.hardware_ids(), None);
    assert!(!several.is_terminating());
    let Delegatee::Roles(several) = several.to() else { panic!("there are several roles") };
    assert_eq!((several.name(), several.needed(), several.roles().len()), (role("set"), 2, 2));
}

#[test]
fn malformed_delegations_refuse_top_level_targets() {
    for (json, error) in [
        (r#"{}"#, schema("keys")),
        (r#"{"keys":{}}"#, schema("roles")),
        (r#"{"keys":[],"roles":[]}"#, schema("keys")),
        (r#"{"keys":{},"roles":[7]}"#, schema("roles")),
    ] {
        assert_eq!(super::refused(|image| image.set(Role::Targets, &["delegations"], json)), error, "{json}");
    }
}

#[test]
fn malformed_delegations_refuse_top_level_targets_though_nothing_is_looked_for() {
    let (mut repo, mut vehicle) = crate::updated();
    repo.publish(|next| next.image.set(Role::Targets, &["delegations"], "{}"));
    assert_eq!(vehicle.refresh_image(repo.image()).err(), Some(schema("keys")));
}

#[test]
fn a_delegation_without_its_parts_is_refused() {
    for (json, error) in [
        (r#"{"name":"r","paths":[],"threshold":1}"#, schema("keyids")),
        (r#"{"keyids":["a"],"paths":[],"threshold":1}"#, schema("name")),
        (r#"{"keyids":["a"],"name":"r","paths":[]}"#, schema("threshold")),
        (r#"{"keyids":["a"],"name":"r","threshold":1}"#, schema("paths")),
        (r#"{"keyids":["a"],"name":"r","path_hash_prefixes":["0"],"paths":[],"threshold":1}"#, schema("paths")),
        (r#"{"keyids":["a"],"name":"r","paths":[["x"]],"threshold":1}"#, schema("paths")),
        (r#"{"keyids":["a"],"name":"r","paths":[7],"threshold":1}"#, schema("paths")),
        (r#"{"keyids":["a"],"name":"r","paths":[],"terminating":1,"threshold":1}"#, schema("terminating")),
        (r#"{"keyids":["a"],"name":"r","path_hash_prefixes":["0A"],"threshold":1}"#, schema("path_hash_prefixes")),
        (r#"{"keyids":["a"],"name":"r","path_hash_prefixes":[""],"threshold":1}"#, schema("path_hash_prefixes")),
        (r#"{"keyids":["a"],"name":"targets","paths":[],"threshold":1}"#, Error::BadName { kind: "RoleName" }),
        (r#"{"keyids":["a"],"name":"","paths":[],"threshold":1}"#, Error::BadName { kind: "RoleName" }),
    ] {
        assert_eq!(one(json), error, "{json}");
    }
}

#[test]
fn an_empty_list_of_hardware_is_refused_and_not_taken_for_any() {
    let delegation =
        |uptane: &str| format!(r#"{{"keyids":["a"],"name":"r","paths":[],"threshold":1,"uptane":{uptane}}}"#);
    assert_eq!(one(&delegation(r#"{"hardware_ids":[]}"#)), schema("hardware_ids"));
    assert_eq!(one(&delegation(r#"{"hardware_ids":"hw"}"#)), schema("hardware_ids"));
    assert_eq!(one(&delegation(r#"{"hardware_ids":["a/b"]}"#)), Error::BadName { kind: "HardwareId" });
    let many: Vec<_> = (0..33).map(|index| format!("\"hw-{index}\"")).collect();
    let many = delegation(&format!(r#"{{"hardware_ids":[{}]}}"#, many.join(",")));
    assert_eq!(one(&many), Error::Limit { what: "hardware ids" });
}

#[test]
fn a_delegation_that_does_not_say_so_is_not_terminating() {
    let listed = decode("a", r#""roles":[{"keyids":["a"],"name":"r","paths":[],"threshold":1}]"#).unwrap();
    let Delegations::Listed(list) = listed else { panic!("they are listed") };
    assert!(!list[0].is_terminating());
}

#[test]
fn a_threshold_of_none_is_refused() {
    let json = r#"{"keyids":["a"],"name":"r","paths":[],"threshold":0}"#;
    assert_eq!(one(json), Error::BadNumber { kind: "threshold" });
}

/// The keys of the only role.
fn keys_of(keys_named: &str, keyids: &str) -> uptane::metadata::RoleKeys {
    let role = format!(r#""roles":[{{"keyids":[{keyids}],"name":"r","paths":[],"threshold":2}}]"#);
    let Delegations::Listed(list) = decode(keys_named, &role).unwrap() else { panic!("they are listed") };
    let Delegatee::Role(role) = list[0].to() else { panic!("it is one role") };
    (**role.keys()).clone()
}

#[test]
fn an_id_without_a_key_never_counts() {
    assert_eq!(keys_of("a", r#""a","c""#).keys().count(), 1);
    assert_eq!(keys_of("a", r#""a","future""#).keys().count(), 1);
}

#[test]
fn a_delegated_key_has_an_id_of_its_own_and_a_type() {
    let with = |keys: &str| Delegations::decode(format!(r#"{{"keys":{{{keys}}},"roles":[]}}"#).as_bytes()).map(|_| ());
    assert_eq!(with(r#""a":{"keyval":{"public":"?"},"scheme":"new"}"#), Err(schema("keytype")));
    let key = r#""a":{"keytype":"new","keyval":{"public":"?"},"scheme":"new"}"#;
    assert!(matches!(with(&format!("{key},{key}")), Err(Error::Duplicate { .. })));
    assert_eq!(
        with(r#""":{"keytype":"new","keyval":{"public":"?"},"scheme":"new"}"#),
        Err(Error::BadName { kind: "KeyId" })
    );
}

// T3.
#[test]
fn one_key_under_two_ids_counts_once() {
    assert_eq!(keys_of("a again", r#""a","again""#).keys().count(), 1);
    let json = r#"{"keyids":["a","a"],"name":"r","paths":[],"threshold":1}"#;
    assert_eq!(one(json), Error::Duplicate { what: "key of a role" });
}

#[test]
fn one_name_for_two_delegations_is_refused() {
    let json = r#"{"keyids":["a"],"name":"r","paths":[],"threshold":1}"#;
    assert_eq!(one(&format!("{json},{json}")), Error::Duplicate { what: "role of a file's delegations" });
}

#[test]
fn a_delegation_of_an_unknown_form_is_refused() {
    let member = r#"{"keyids":["a"],"name":"r","threshold":1}"#;
    for json in [
        r#"{"min_roles_in_agreement":1,"name":"s","paths":[]}"#.to_owned(),
        format!(r#"{{"name":"s","paths":[],"roles":[{member}]}}"#),
        format!(r#"{{"keyids":["a"],"min_roles_in_agreement":1,"name":"s","paths":[],"roles":[{member}]}}"#),
        format!(r#"{{"min_roles_in_agreement":1,"name":"s","paths":[],"roles":[{member}],"threshold":1}}"#),
        r#"{"min_roles_in_agreement":1,"name":"s","paths":[],"roles":["r"]}"#.to_owned(),
    ] {
        assert_eq!(one(&json), schema("roles"), "{json}");
    }
}

#[test]
fn a_set_of_roles_without_its_parts_is_refused() {
    let set = |needed: usize, roles: &str| {
        one(&format!(r#"{{"min_roles_in_agreement":{needed},"name":"s","paths":[],"roles":[{roles}]}}"#))
    };
    let member = r#"{"keyids":["a"],"name":"r","threshold":1}"#;
    assert_eq!(set(0, member), Error::BadNumber { kind: "min_roles_in_agreement" });
    assert_eq!(set(2, member), Error::BadNumber { kind: "min_roles_in_agreement" });
    assert_eq!(set(1, r#"{"keyids":["a"],"threshold":1}"#), schema("name"));
    assert_eq!(set(1, r#"{"name":"r","threshold":1}"#), schema("keyids"));
    assert_eq!(set(1, &format!("{member},{member}")), Error::Duplicate { what: "role of a multi-role delegation" });
    let many: Vec<_> = (0..17).map(|index| member.replace("\"r\"", &format!("\"r{index}\""))).collect();
    assert_eq!(set(1, &many.join(",")), Error::Limit { what: "roles of a multi-role delegation" });
}

#[test]
fn a_role_of_a_set_and_a_bin_cannot_cover_less_than_the_delegation() {
    for (member, field) in [
        (r#""paths":["a"]"#, "paths"),
        (r#""path_hash_prefixes":["0"]"#, "paths"),
        (r#""terminating":true"#, "terminating"),
        (r#""uptane":{"hardware_ids":["hw-0"]}"#, "uptane"),
    ] {
        // In canonical order, whichever member it is.
        let sorted = |mut members: Vec<&str>| {
            members.push(member);
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        };
        let role = sorted(vec![r#""keyids":["a"]"#, r#""name":"r""#, r#""threshold":1"#]);
        let set = format!(r#"{{"min_roles_in_agreement":1,"name":"s","paths":[],"roles":[{role}]}}"#);
        assert_eq!(one(&set), schema(field), "{set}");
        let bins = sorted(vec![r#""bit_length":1"#, r#""keyids":["a"]"#, r#""name_prefix":"b""#, r#""threshold":1"#]);
        assert_eq!(refused(&format!(r#""succinct_roles":{bins}"#)), schema(field), "{bins}");
    }
}

#[test]
fn bins_without_their_parts_are_refused() {
    let bins = |json: &str| refused(&format!(r#""succinct_roles":{json}"#));
    let full = |bits: u64, prefix: &str| {
        bins(&format!(r#"{{"bit_length":{bits},"keyids":["a"],"name_prefix":"{prefix}","threshold":1}}"#))
    };
    assert_eq!(full(0, "b"), Error::BadNumber { kind: "bit_length" });
    assert_eq!(full(33, "b"), Error::BadNumber { kind: "bit_length" });
    assert_eq!(full(32, &"b".repeat(120)), Error::BadName { kind: "RoleName" });
    assert_eq!(bins(r#"{"keyids":["a"],"name_prefix":"b","threshold":1}"#), schema("bit_length"));
    assert_eq!(bins(r#"{"bit_length":1,"keyids":["a"],"threshold":1}"#), schema("name_prefix"));
    assert_eq!(bins(r#"{"bit_length":1,"name_prefix":"b","threshold":1}"#), schema("keyids"));
    assert_eq!(bins(r#"{"bit_length":1,"keyids":["a"],"name_prefix":"b"}"#), schema("threshold"));
    let both = r#""roles":[],"succinct_roles":{"bit_length":1,"keyids":["a"],"name_prefix":"b","threshold":1}"#;
    assert_eq!(refused(both), schema("roles"));
}

// TAP 15 names the prefix of bins; a `name` is a member like any unknown one.
#[test]
fn a_member_of_bins_that_nobody_knows_is_passed_over() {
    let bins = r#""succinct_roles":{"bit_length":1,"keyids":["a"],"name":[],"name_prefix":"b","threshold":1,"z":{}}"#;
    assert!(decode("a b", bins).is_ok());
}

#[test]
fn the_number_of_paths_is_bounded() {
    let role = |name: usize, paths: usize| {
        format!(r#"{{"keyids":["a"],"name":"r{name}","paths":[{}],"threshold":1}}"#, vec!["\"p\""; paths].join(","))
    };
    assert_eq!(one(&role(0, 4_097)), Error::Limit { what: "paths of a delegation" });
    let many: Vec<_> = (0..17).map(|index| role(index, 4_096)).collect();
    assert!(decode("a", &format!(r#""roles":[{}]"#, many[..16].join(","))).is_ok());
    assert_eq!(one(&many.join(",")), Error::Limit { what: "paths of a file's delegations" });
    let long = format!(r#"{{"keyids":["a"],"name":"r","paths":["{}"],"threshold":1}}"#, "p".repeat(256));
    assert_eq!(one(&long), Error::Limit { what: "characters of a path" });
}

#[test]
fn the_number_of_delegations_and_of_their_keys_is_bounded() {
    let role = |name: usize| format!(r#"{{"keyids":["a"],"name":"r{name}","paths":[],"threshold":1}}"#);
    let many: Vec<_> = (0..16_385).map(role).collect();
    assert!(decode("a", &format!(r#""roles":[{}]"#, many[..16_384].join(","))).is_ok());
    assert_eq!(one(&many.join(",")), Error::Limit { what: "delegations of a file" });
    let key = |index: usize| format!(r#""k{index:04}":{{"keytype":"new","keyval":{{"public":"?"}},"scheme":"new"}}"#);
    let keys = |count: usize| {
        let keys: Vec<_> = (0..count).map(key).collect();
        Delegations::decode(format!(r#"{{"keys":{{{}}},"roles":[]}}"#, keys.join(",")).as_bytes()).map(|_| ())
    };
    assert_eq!(keys(1_024), Ok(()));
    assert_eq!(keys(1_025), Err(Error::Limit { what: "keys of a file" }));
}

#[test]
fn what_no_reader_would_take_is_not_built() {
    let builder = || TargetsBuilder::<Image>::image(Version::FIRST, Time::MAX);
    let refused = |built: Result<TargetsBuilder<Image>, SignError>| built.map(|_| ()).unwrap_err();
    let twice = Error::Duplicate { what: "role of a file's delegations" };
    assert_eq!(refused(builder().delegate([to("a"), to("a")])), SignError::Refused(twice));
    let bins = || BinsBuilder { name_prefix: "b".into(), bit_length: 2, keys: role_keys("b") };
    assert_eq!(
        refused(builder().delegate([to("a")]).unwrap().delegate_to_bins(bins())),
        schema("succinct_roles").into()
    );
    assert_eq!(refused(builder().delegate_to_bins(bins()).unwrap().delegate([to("a")])), schema("roles").into());
    let nobody = DelegationBuilder::roles(role("s"), 1, Vec::new(), paths(&[]));
    assert_eq!(refused(builder().delegate([nobody])), Error::BadNumber { kind: "min_roles_in_agreement" }.into());
}
