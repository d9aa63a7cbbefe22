//! The pieces of evidence, one module each.
//!
//! Each makes what it needs afresh (folders, keys, databases, ports), reuses only what is built, and records every
//! figure with its limit. What it cannot do for want of a tool falls short, and names the tool.

mod bench_peers;
mod bug_found;
mod can_faults;
mod can_fuzz;
mod can_golden;
mod can_goodput;
mod catalogue_100k;
mod ceremony;
mod demo;
mod determinism;
mod disk_full;
mod ed25519_rule;
mod footprint;
mod foreign_testers;
mod fresh_test;
mod fuzz;
mod getting_started;
mod hundred_ecus;
mod idle_cost;
mod kill9_demo;
mod kill9_publish;
mod model;
mod mutants;
mod mutated_metadata;
mod no_std;
mod partial_stream;
mod power_cut_can;
mod power_cut_secondary;
mod power_cut_vehicle;
mod python_tuf_client;
mod requirements;
mod s3;
mod seeds_10k;
mod serve_cost;
mod socketcan_uml;
mod supplier;
mod tuf_rules;

use anyhow::Result;

use crate::record::Record;

/// One promise, and how it is shown.
pub struct Item {
    name: &'static str,
    promise: &'static str,
    show: fn(&mut Record) -> Result<()>,
}

/// How findings are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: each figure with its limit, the verdict last.
    Text,
    /// For programs: one JSON object on standard output, the verdict on standard error.
    Json,
}

/// What of it is shown.
#[derive(Clone, Copy)]
pub struct Choice {
    /// Decides what is left to chance.
    pub seed: u64,
    /// How many of its parts are shown, where it can be shown in part; else all.
    pub few: Option<usize>,
}

/// In the order in which they are listed and shown.
const ITEMS: &[Item] = &[
    demo::ITEM,
    fresh_test::ITEM,
    no_std::ITEM,
    partial_stream::ITEM,
    ed25519_rule::ITEM,
    kill9_demo::ITEM,
    power_cut_secondary::ITEM,
    power_cut_vehicle::ITEM,
    getting_started::ITEM,
    idle_cost::ITEM,
    python_tuf_client::ITEM,
    ceremony::ITEM,
    tuf_rules::ITEM,
    bench_peers::ITEM,
    mutants::ITEM,
    requirements::ITEM,
    mutated_metadata::ITEM,
    fuzz::ITEM,
    can_golden::ITEM,
    can_goodput::ITEM,
    socketcan_uml::ITEM,
    foreign_testers::ITEM,
    model::ITEM,
    determinism::ITEM,
    seeds_10k::ITEM,
    bug_found::ITEM,
    hundred_ecus::ITEM,
    can_faults::ITEM,
    can_fuzz::ITEM,
    power_cut_can::ITEM,
    footprint::ITEM,
    supplier::ITEM,
    kill9_publish::ITEM,
    s3::ITEM,
    catalogue_100k::ITEM,
    serve_cost::ITEM,
    disk_full::ITEM,
];

/// Prints every name with its promise.
pub fn list() {
    for Item { name, promise, .. } in ITEMS {
        println!("{name:<18} {promise}");
    }
}

/// The item called `name`.
pub fn find(name: &str) -> Option<&'static Item> {
    ITEMS.iter().find(|item| item.name == name)
}

/// Shows one piece of evidence; true if it holds.
pub fn show(item: &Item, form: Form, choice: Choice) -> bool {
    let mut record = Record::new(form == Form::Text, choice.seed).of_few(choice.few);
    record_all(item, &mut record);
    let verdict = record.verdict(item.name);
    match form {
        Form::Text => println!("{verdict}"),
        Form::Json => {
            let findings = serde_json::json!({ "name": item.name, "holds": record.holds(), "record": record });
            println!("{findings}");
            eprintln!("{verdict}");
        }
    }
    record.holds()
}

/// Shows every piece of evidence; true if all hold.
pub fn show_all(form: Form, choice: Choice) -> bool {
    let mut all = true;
    for item in ITEMS {
        all &= show(item, form, choice);
    }
    all
}

fn record_all(item: &Item, record: &mut Record) {
    if let Err(error) = (item.show)(record) {
        record.fail(format!("{error:#}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names that stand after `cargo xtask evidence` on the pages of the repository.
    fn names_in_documents() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages =
            [root.to_path_buf(), root.join("docs")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let pages = pages.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md"));
        let text: String = pages.map(|path| fs::read_to_string(path).unwrap()).collect();
        let mentions = text.split("cargo xtask evidence ").skip(1);
        let words = mentions.filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next());
        words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).map(String::from).collect()
    }

    #[test]
    fn every_name_on_a_page_is_a_piece_of_evidence_and_the_other_way_round() {
        let known: BTreeSet<String> = ITEMS.iter().map(|item| item.name.to_owned()).collect();
        assert_eq!(names_in_documents(), known);
    }

    #[test]
    fn names_are_unlike_each_other() {
        let names: BTreeSet<&str> = ITEMS.iter().map(|item| item.name).collect();
        assert_eq!(names.len(), ITEMS.len());
    }
}
