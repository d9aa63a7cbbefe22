//! What the next publication is to do differently.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::keys::signer;
use crate::sign::{PartlySigned, Value};
use crate::{Role, Time};

/// The next publication of both repositories: valid, unless a test says otherwise.
#[derive(Default)]
pub struct Next {
    /// The Director's.
    pub director: Draft,
    /// The Image repository's.
    pub image: Draft,
    pub(crate) release: bool,
    pub(crate) assigned: Option<u64>,
}

impl Next {
    /// Publishes a new release of every image and assigns it.
    pub fn release(&mut self) {
        self.release = true;
    }

    /// Assigns this release of every image, which may be an older one.
    pub fn assign_release(&mut self, release: u64) {
        self.assigned = Some(release);
    }
}

/// Changes to the next files of one repository. Parents list what results, so one change is one fault.
#[derive(Default)]
pub struct Draft {
    edits: Vec<(Role, Edit)>,
    signers: Vec<(Role, Vec<String>)>,
    mangles: Vec<(Role, Mangle)>,
    corruptions: Vec<(Role, Mangle)>,
    pub(crate) rotations: Vec<Role>,
    pub(crate) appointments: Vec<(Role, Vec<String>)>,
    pub(crate) renews_root: bool,
}

type Edit = Box<dyn Fn(&mut Value)>;
type Mangle = Box<dyn Fn(&mut Vec<u8>)>;

impl Draft {
    /// Sets a member of `signed` to this JSON, before it is signed.
    pub fn set(&mut self, role: Role, path: &[&str], json: impl fmt::Display) {
        let Some((name, parents)) = path.split_last() else { return };
        let (name, parents) = (name.to_string(), owned(parents));
        let json = json.to_string().into_bytes();
        self.edit(role, move |signed| {
            members(member(signed, &parents)).insert(name.clone(), Value::Canonical(json.clone()));
        });
    }

    /// Removes a member of `signed`, before it is signed.
    pub fn remove(&mut self, role: Role, path: &[&str]) {
        let Some((name, parents)) = path.split_last() else { return };
        let (name, parents) = (name.to_string(), owned(parents));
        self.edit(role, move |signed| {
            members(member(signed, &parents)).remove(&name);
        });
    }

    /// Gives the file this version; its parent lists it so.
    pub fn version(&mut self, role: Role, version: u64) {
        self.set(role, &["version"], version);
    }

    /// Gives the file this expiry.
    pub fn expires(&mut self, role: Role, expires: Time) {
        self.set(role, &["expires"], format_args!("\"{expires}\""));
    }

    /// Has the file signed by the keys of these labels alone, each under its own id.
    pub fn signed_by(&mut self, role: Role, labels: &[&str]) {
        self.signers.push((role, owned(labels)));
    }

    /// Changes the file after it was signed; its parent lists what results.
    pub fn mangle(&mut self, role: Role, mangle: impl Fn(&mut Vec<u8>) + 'static) {
        self.mangles.push((role, Box::new(mangle)));
    }

    /// Changes the file after its parent was made.
    pub fn corrupt(&mut self, role: Role, corrupt: impl Fn(&mut Vec<u8>) + 'static) {
        self.corruptions.push((role, Box::new(corrupt)));
    }

    /// Publishes a new Root that gives the role other keys.
    pub fn rotate(&mut self, role: Role) {
        self.renews_root = true;
        self.rotations.push(role);
    }

    /// Publishes a new Root that gives the role the keys of these labels (see [`signer`]), all but one of which must sign
    /// where there is more than one.
    pub fn appoint(&mut self, role: Role, labels: &[&str]) {
        self.renews_root = true;
        self.appointments.push((role, owned(labels)));
    }

    /// Publishes a new Root that changes nothing.
    pub fn renew_root(&mut self) {
        self.renews_root = true;
    }

    fn edit(&mut self, role: Role, edit: impl Fn(&mut Value) + 'static) {
        self.renews_root |= role == Role::Root;
        self.edits.push((role, Box::new(edit)));
    }

    /// Applies the edits of a role, signs, and applies what comes after signing.
    pub(crate) fn make(&self, role: Role, mut signed: Value, labels: &[String]) -> Vec<u8> {
        of(role, &self.edits).for_each(|edit| edit(&mut signed));
        let labels = of(role, &self.signers).last().map_or(labels, Vec::as_slice);
        let sign = |file: PartlySigned, label: &String| {
            file.signed_by(&signer(label)).unwrap_or_else(|error| panic!("test keys sign: {error}"))
        };
        let mut file = labels.iter().fold(PartlySigned::new(role, &signed), sign).to_file();
        of(role, &self.mangles).for_each(|mangle| mangle(&mut file));
        file
    }

    /// Applies what happens to a file after its parent was made.
    pub(crate) fn corrupted(&self, role: Role, mut file: Vec<u8>) -> Vec<u8> {
        of(role, &self.corruptions).for_each(|corrupt| corrupt(&mut file));
        file
    }

    /// The version a role's file ends up with.
    pub(crate) fn version_of(&self, role: Role, mut signed: Value) -> u64 {
        of(role, &self.edits).for_each(|edit| edit(&mut signed));
        let text = String::from_utf8(member(&mut signed, &["version".into()]).to_wire()).unwrap_or_default();
        text.parse().unwrap_or_default()
    }
}

fn of<T>(role: Role, all: &[(Role, T)]) -> impl Iterator<Item = &T> {
    all.iter().filter(move |(of, _)| *of == role).map(|(_, one)| one)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

/// The member at a path; an empty object is put where there is none, so that several faults can be combined.
fn member<'v>(mut value: &'v mut Value, path: &[String]) -> &'v mut Value {
    for name in path {
        value = members(value).entry(name.clone()).or_insert_with(|| Value::object([]));
    }
    value
}

fn members(value: &mut Value) -> &mut BTreeMap<String, Value> {
    if !matches!(value, Value::Object(_)) {
        *value = Value::object([]);
    }
    match value {
        Value::Object(members) => members,
        Value::Boolean(_) | Value::Canonical(_) | Value::List(_) | Value::Number(_) | Value::Text(_) => {
            unreachable!("it was made an object")
        }
    }
}
