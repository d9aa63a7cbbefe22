//! Single and streamed verification accept exactly the signatures that the documented rule accepts (design D4).
//!
//! The rule is worked out by `rule`, slowly and without `uptane`; the questions come from a generator of our own, from
//! the published Speccheck cases, and from Wycheproof.

mod cases;
mod rule;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use uptane::PublicKey;
use uptane::verify::signature::{SignatureStream, verify};

use self::cases::{Case, KINDS, Random};
use self::rule::Curve;
use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "ed25519-rule",
    promise: "single and streamed verification accept exactly what the documented Ed25519 rule accepts",
    show,
};

/// Cases of each kind the generator builds.
const OF_EACH: usize = 20;
/// Piece sizes of streamed verification.
const SIZES: [usize; 5] = [1, 3, 31, 64, 4_096];

fn show(record: &mut Record) -> Result<()> {
    let mut random = Random::new(record.seed());
    let mut table = Table { curve: Curve::new(), disagreements: 0, against: 0, asked: 0 };
    record.note("cases  rule  single  streamed  what they are");
    for (kind, (name, accepted)) in KINDS.into_iter().enumerate() {
        let cases = (0..OF_EACH).map(|_| cases::of_kind(kind, &mut random)).collect::<Result<Vec<_>>>()?;
        table.row(record, name, cases, Some(accepted))?;
    }
    table.row(
        record,
        "all spellings of points of small order, as A and as R",
        cases::small_encodings(&mut random)?,
        Some(false),
    )?;
    table.row(record, "keys and commitments of mixed order", cases::mixed(&mut random), None)?;
    let honest = (0..OF_EACH).map(|_| cases::honest(&mut random)).collect::<Result<Vec<_>>>()?;
    table.row(record, "honest signatures", honest, Some(true))?;
    let flipped = (0..10 * OF_EACH).map(|_| cases::flipped(&mut random)).collect::<Result<Vec<_>>>()?;
    table.row(record, "honest signatures with one bit flipped", flipped, Some(false))?;
    for (index, case) in published()?.into_iter().enumerate() {
        let (name, accepted) = KINDS.get(index).context("twelve published cases")?;
        table.row(record, &format!("published: {name}"), vec![case], Some(*accepted))?;
    }
    for (accepted, name) in [(true, "Wycheproof: valid"), (false, "Wycheproof: invalid")] {
        table.row(record, name, wycheproof(accepted)?, Some(accepted))?;
    }
    let Table { disagreements, against, asked, .. } = table;
    record.figure("cases", f64::from(asked), "", Limit::AtLeast(700.0));
    record.figure(
        "answers of `verify` and of streams that differ from the rule",
        f64::from(disagreements),
        "",
        Limit::Exactly(0.0),
    );
    record.figure(
        "cases on which the rule says otherwise than their maker meant",
        f64::from(against),
        "",
        Limit::Exactly(0.0),
    );
    Ok(())
}

struct Table {
    curve: Curve,
    disagreements: u32,
    against: u32,
    asked: u32,
}

impl Table {
    /// Asks everybody about these cases, and prints how many each accepts.
    fn row(&mut self, record: &mut Record, name: &str, cases: Vec<Case>, meant: Option<bool>) -> Result<()> {
        ensure!(!cases.is_empty(), "no cases: {name}");
        let (mut by_rule, mut by_verify, mut by_stream) = (0_u32, 0_u32, 0_u32);
        for Case { key, message, signature } in &cases {
            let rule = self.curve.accepts(key, message, signature);
            let key = PublicKey::Ed25519(*key);
            let single = verify(&key, message, signature).is_ok();
            let streamed = SIZES.map(|size| accepts_streamed(&key, message, signature, size));
            by_rule += u32::from(rule);
            by_verify += u32::from(single);
            by_stream += u32::from(streamed.contains(&true));
            let answers = streamed.into_iter().chain([single]);
            self.disagreements += answers.map(|answer| u32::from(answer != rule)).sum::<u32>();
            self.against += u32::from(meant.is_some_and(|meant| meant != rule));
            self.asked += 1;
        }
        record.note(format!("{:>5} {by_rule:>5} {by_verify:>7} {by_stream:>9}  {name}", cases.len()));
        Ok(())
    }
}

fn accepts_streamed(key: &PublicKey, message: &[u8], signature: &[u8], size: usize) -> bool {
    let Ok(mut stream) = SignatureStream::new(key, signature) else { return false };
    message.chunks(size).for_each(|piece| stream.update(piece));
    stream.finish().is_ok()
}

/// The published Speccheck cases.
fn published() -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct Published {
        message: String,
        pub_key: String,
        signature: String,
    }
    let cases: Vec<Published> = serde_json::from_str(include_str!("../../vectors/ed25519-speccheck-cases.json"))?;
    let case = |Published { message, pub_key, signature }| {
        let key = unhex(&pub_key)?.try_into().ok().context("a key of 32 bytes")?;
        Ok(Case { key, message: unhex(&message)?, signature: unhex(&signature)? })
    };
    cases.into_iter().map(case).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    uptane::hex::decode(text, &mut bytes).context("hex digits")?;
    Ok(bytes)
}

/// The cases of Wycheproof that it calls valid, or those it calls invalid.
fn wycheproof(valid: bool) -> Result<Vec<Case>> {
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};

    let set = TestSet::load(TestName::Ed25519).ok().context("Wycheproof's Ed25519 cases")?;
    let mut cases = Vec::new();
    for group in set.test_groups {
        let key: [u8; 32] = group.key.pk.to_vec().try_into().ok().context("a key of 32 bytes")?;
        let chosen = group.tests.into_iter().filter(|test| (test.result == TestResult::Valid) == valid);
        cases.extend(chosen.map(|test| Case { key, message: test.msg.to_vec(), signature: test.sig.to_vec() }));
    }
    Ok(cases)
}
