//! Did enough keys sign? The only place that counts signatures (§5.4.4.3 to §5.4.4.6; §5.1: "threshold of unique keys").

use super::signature::{Claims, GoodSignature};
use super::stream::Signatures;
use crate::limits::MAX_ROLE_KEYS;
use crate::metadata::{Entry, Envelope, KeyHint, RoleKeys};
use crate::{Error, Role, told};

/// Evidence that a threshold of distinct keys of a role signed the bytes that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdMet(());

/// Counts the keys that signed a file while the file streams by: first its signatures, then what was signed.
///
/// For each key id the first signature that claims it decides; a second one changes nothing, so that the work an
/// attacker can cause is bounded by the number of keys. What claims no key of the role is passed over (trap T20).
pub struct Threshold {
    role: Role,
    keys: RoleKeys,
    /// For each key, whether a signature has claimed it.
    claimed: [bool; MAX_ROLE_KEYS],
    /// For each key, a signature of it over what is streaming by.
    claims: Claims<MAX_ROLE_KEYS>,
}

impl Threshold {
    /// Begins to count for these keys.
    #[inline(never)]
    pub fn new(role: Role, keys: &RoleKeys) -> Self {
        Self { role, keys: keys.clone(), claimed: [false; MAX_ROLE_KEYS], claims: Claims::new() }
    }

    /// Takes the next signature, of the key under this hint.
    fn signature(&mut self, hint: KeyHint, bytes: Option<&[u8]>) {
        let Self { keys, claimed, claims, .. } = self;
        for (place, ((known, key), claimed)) in keys.places().zip(claimed).enumerate() {
            if known == hint && !*claimed {
                *claimed = true;
                bytes.into_iter().for_each(|bytes| claims.claim(place, key, bytes));
            }
        }
    }

    /// Takes the next bytes of what was signed.
    pub fn update(&mut self, bytes: &[u8]) {
        self.claims.update(bytes);
    }

    /// Counts (§5.4.4.3 step 2.3, §5.4.4.4 step 2, §5.4.4.5 step 3, §5.4.4.6 step 3).
    pub fn finish(&self) -> Result<ThresholdMet, Error> {
        let Self { role, keys, claims, .. } = self;
        let mut signed = [const { None }; MAX_ROLE_KEYS];
        for (place, (_, key)) in keys.places().enumerate() {
            let good: Option<GoodSignature> = claims.verify(place).ok();
            // A key with two ids counts once (trap T3).
            let place = keys.first_place(key).and_then(|place| signed.get_mut(place));
            if let (Some(signed), Some(good)) = (place, good) {
                *signed = Some(good);
            }
        }
        let valid = signed.iter().flatten().fold(0_u8, |valid, _: &GoodSignature| valid.saturating_add(1));
        match valid >= keys.threshold() {
            true => Ok(ThresholdMet(())),
            false => {
                Err(Error::BelowThreshold { role: told(*role), valid: told(valid), needed: told(keys.threshold()) })
            }
        }
    }
}

impl Signatures for Threshold {
    fn entry(&mut self, entry: &Entry) {
        if entry.claims != KeyHint::NONE {
            self.signature(entry.claims, entry.signature());
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Counts the keys that signed a file at hand.
pub fn check(role: Role, keys: &RoleKeys, file: &Envelope<'_>) -> Result<ThresholdMet, Error> {
    let mut threshold = Threshold::new(role, keys);
    file.entries().for_each(|entry| threshold.entry(&entry));
    file.hash_signed_into(|bytes| threshold.update(bytes));
    threshold.finish()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec::Vec;
    use std::format;

    use proptest::prelude::*;

    use super::*;
    use crate::KeyId;
    use crate::sign::{Signer as _, key_id};
    use crate::testing::signer;

    const SIGNED: &str = r#"{"a":"\n\\","b":[1,2]}"#;
    /// The bytes of `SIGNED` that are signed.
    const MESSAGE: &str = "{\"a\":\"\n\\\\\",\"b\":[1,2]}";

    fn keys(labels: &[&str], threshold: u8) -> RoleKeys {
        let keys = labels.iter().map(|label| signer(label).public_key());
        RoleKeys::new(keys.map(|key| (key_id(&key), key)), threshold).unwrap()
    }

    /// An entry in which `label` claims a signature that `by` made over `message`.
    fn entry(label: &str, by: &str, message: &str) -> String {
        let mut sig = String::new();
        crate::hex::write(&mut sig, &signer(by).sign(message.as_bytes()).unwrap()).unwrap();
        format!(r#"{{"keyid":"{}","sig":"{sig}"}}"#, signer(label).key_id())
    }

    fn good(label: &str) -> String {
        entry(label, label, MESSAGE)
    }

    fn count(keys: &RoleKeys, entries: &[String]) -> Result<ThresholdMet, Error> {
        let file = format!(r#"{{"signatures":[{}],"signed":{SIGNED}}}"#, entries.join(","));
        check(Role::Targets, keys, &Envelope::decode(file.as_bytes())?)
    }

    fn below(valid: u8, needed: u8) -> Result<ThresholdMet, Error> {
        Err(Error::BelowThreshold { role: Role::Targets, valid, needed })
    }

    #[test]
    fn a_threshold_of_distinct_keys_must_sign() {
        let keys = keys(&["a", "b", "c"], 2);
        assert!(count(&keys, &[good("a"), good("c")]).is_ok());
        assert!(count(&keys, &[good("a"), good("b"), good("c")]).is_ok());
        assert_eq!(count(&keys, &[good("b")]), below(1, 2));
        assert_eq!(count(&keys, &[]), below(0, 2));
    }

    /// A signature by `by` that claims the key id `id`.
    fn under(id: &str, by: &str) -> String {
        good(by).replace(signer(by).key_id().as_str(), id)
    }

    // T3.
    #[test]
    fn one_key_under_two_ids_counts_once() {
        let (a, b) = (signer("a").public_key(), signer("b").public_key());
        let ids = ["one", "two", "b"].map(|id| KeyId::parse(id).unwrap());
        let keys = RoleKeys::new(ids.into_iter().zip([a.clone(), a.clone(), b]), 2).unwrap();
        assert_eq!(count(&keys, &[under("one", "a"), under("two", "a")]), below(1, 2));
        assert!(count(&keys, &[under("two", "a"), under("b", "b")]).is_ok());
        assert!(count(&keys, &[under("one", "stranger"), under("two", "a"), under("b", "b")]).is_ok());
        assert_eq!(keys.keys().count(), 2);
        let one = KeyId::parse("one").unwrap();
        assert_eq!(RoleKeys::new([(one, a.clone()), (one, a)], 1), Err(Error::Duplicate { what: "key of a role" }));
    }

    #[test]
    fn a_key_id_that_stands_twice_is_refused() {
        let twice = Err(Error::Duplicate { what: "key id of signatures" });
        assert_eq!(count(&keys(&["a", "b"], 1), &[good("a"), good("b"), good("a")]), twice);
        assert_eq!(count(&keys(&["a"], 1), &[good("a"), good("stranger"), good("stranger")]), twice);
    }

    #[test]
    fn a_stranger_counts_nothing_and_hinders_nothing() {
        let keys = keys(&["a", "b"], 2);
        assert_eq!(count(&keys, &[good("a"), good("stranger")]), below(1, 2));
        assert!(count(&keys, &[good("a"), good("stranger"), good("b")]).is_ok());
    }

    #[test]
    fn a_signature_by_another_key_or_over_other_bytes_is_worth_nothing() {
        let keys = keys(&["a", "b"], 1);
        assert_eq!(count(&keys, &[entry("a", "stranger", MESSAGE)]), below(0, 1));
        assert_eq!(count(&keys, &[entry("a", "a", SIGNED)]), below(0, 1));
        assert!(count(&keys, &[entry("a", "stranger", MESSAGE), good("b")]).is_ok());
    }

    #[test]
    fn entries_that_cannot_be_evaluated_are_passed_over() {
        let long = format!(r#"{{"keyid":"other","sig":"{}"}}"#, "ab".repeat(crate::limits::MAX_SIGNATURE));
        let odd: String = r#"{"keyid":"no id at all","sig":"?"}"#.into();
        // A key holder who has not signed yet, as other tools write it.
        let none = r#"{"keyid":"none","sig":""}"#.into();
        assert!(count(&keys(&["a"], 1), &[long, odd.clone(), odd, none, good("a")]).is_ok());
    }

    #[test]
    fn entries_without_their_fields_are_refused() {
        let keys = keys(&["a"], 1);
        assert_eq!(count(&keys, &[r#"{"sig":"00"}"#.into()]), Err(Error::Schema { field: "keyid" }));
        assert_eq!(count(&keys, &[r#"{"keyid":"a"}"#.into()]), Err(Error::Schema { field: "sig" }));
        assert_eq!(count(&keys, &[r#"{"keyid":1,"sig":"00"}"#.into()]), Err(Error::Schema { field: "keyid" }));
    }

    #[test]
    fn the_number_of_signatures_is_bounded() {
        let many: Vec<_> = (0..=crate::limits::MAX_SIGNATURES).map(|n| good(&format!("stranger {n}"))).collect();
        assert_eq!(count(&keys(&["a"], 1), &many), Err(Error::Limit { what: "signatures" }));
    }

    proptest! {
        #[test]
        fn distinct_good_keys_are_what_counts(claims in prop::collection::vec((0..4_usize, any::<bool>()), 0..10), needed in 1..4_u8) {
            let labels = ["a", "b", "c", "stranger"];
            let entry = |(&label, &is_good): (&usize, &bool)| {
                entry(labels[label], labels[label], if is_good { MESSAGE } else { "other" })
            };
            let claims: BTreeMap<_, _> = claims.into_iter().collect();
            let entries: Vec<_> = claims.iter().map(entry).collect();
            let is_good = |label| claims.get(&label).is_some_and(|is_good| *is_good);
            let valid = u8::try_from((0..3).filter(|label| is_good(*label)).count()).unwrap();
            let counted = count(&keys(&labels[..3], needed), &entries);
            prop_assert_eq!(counted.is_ok(), valid >= needed);
            if counted.is_err() {
                prop_assert_eq!(counted, below(valid, needed));
            }
        }
    }
}
