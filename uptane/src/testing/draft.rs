//! What the next publication is to do differently.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::keys::signer;
use super::parsed;
use super::tree::Growth;
use crate::sign::{BinsBuilder, DelegationBuilder, PartlySigned, Value};
use crate::{Role, RoleName, Time};

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

/// Which file of a repository is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// That of a top-level role.
    Top(Role),
    /// That of a delegated role.
    Delegated(RoleName),
}

impl Of {
    fn role(self) -> Role {
        match self {
            Self::Top(role) => role,
            Self::Delegated(_) => Role::Targets,
        }
    }
}

impl From<Role> for Of {
    fn from(role: Role) -> Self {
        Self::Top(role)
    }
}

impl From<RoleName> for Of {
    fn from(role: RoleName) -> Self {
        Self::Delegated(role)
    }
}

impl From<&str> for Of {
    fn from(role: &str) -> Self {
        Self::Delegated(parsed(role, RoleName::parse))
    }
}

/// Changes to the next files of one repository. Parents list what results, so one change is one fault.
#[derive(Default)]
pub struct Draft {
    edits: Vec<(Of, Edit)>,
    signers: Vec<(Of, Vec<String>)>,
    mangles: Vec<(Of, Mangle)>,
    corruptions: Vec<(Of, Mangle)>,
    withheld: Vec<Of>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) rotations: Vec<Role>,
    pub(crate) renews_root: bool,
}

type Edit = Box<dyn Fn(&mut Value)>;
type Mangle = Box<dyn Fn(&mut Vec<u8>)>;

impl Draft {
    /// Sets a member of `signed` to this JSON, before it is signed.
    pub fn set(&mut self, file: impl Into<Of>, path: &[&str], json: impl fmt::Display) {
        let Some((name, parents)) = path.split_last() else { return };
        let (name, parents) = (name.to_string(), owned(parents));
        let json = json.to_string().into_bytes();
        self.edit(file, move |signed| {
            members(member(signed, &parents)).insert(name.clone(), Value::Canonical(json.clone()));
        });
    }

    /// Removes a member of `signed`, before it is signed.
    pub fn remove(&mut self, file: impl Into<Of>, path: &[&str]) {
        let Some((name, parents)) = path.split_last() else { return };
        let (name, parents) = (name.to_string(), owned(parents));
        self.edit(file, move |signed| {
            members(member(signed, &parents)).remove(&name);
        });
    }

    /// Gives the file this version; its parent lists it so.
    pub fn version(&mut self, file: impl Into<Of>, version: u64) {
        self.set(file, &["version"], version);
    }

    /// Gives the file this expiry.
    pub fn expires(&mut self, file: impl Into<Of>, expires: Time) {
        self.set(file, &["expires"], format_args!("\"{expires}\""));
    }

    /// Has the file signed by the keys of these labels alone, each under its own id; that of a role is `image ROLE 0`.
    pub fn signed_by(&mut self, file: impl Into<Of>, labels: &[&str]) {
        self.signers.push((file.into(), owned(labels)));
    }

    /// Changes the file after it was signed; its parent lists what results.
    pub fn mangle(&mut self, file: impl Into<Of>, mangle: impl Fn(&mut Vec<u8>) + 'static) {
        self.mangles.push((file.into(), Box::new(mangle)));
    }

    /// Changes the file after its parent was made.
    pub fn corrupt(&mut self, file: impl Into<Of>, corrupt: impl Fn(&mut Vec<u8>) + 'static) {
        self.corruptions.push((file.into(), Box::new(corrupt)));
    }

    /// Publishes a new Root that gives the role other keys.
    pub fn rotate(&mut self, role: Role) {
        self.renews_root = true;
        self.rotations.push(role);
    }

    /// Publishes a new Root that changes nothing.
    pub fn renew_root(&mut self) {
        self.renews_root = true;
    }

    /// Delegates from `targets`, or from a role that has a file, from now on. The Director has no use for it.
    pub fn delegate(&mut self, from: &str, delegation: DelegationBuilder) {
        self.growth.push(Growth::Delegate(from.into(), delegation));
    }

    /// Delegates to these and nobody else, from now on.
    pub fn redelegate(&mut self, from: &str, delegations: impl IntoIterator<Item = DelegationBuilder>) {
        self.growth.push(Growth::Redelegate(from.into(), delegations.into_iter().collect()));
    }

    /// Delegates everything to bins, from now on.
    pub fn delegate_to_bins(&mut self, from: &str, bins: BinsBuilder) {
        self.growth.push(Growth::Bins(from.into(), bins));
    }

    /// Gives a delegated role a file, which lists every image of these ECUs, from now on; `targets` no longer do.
    pub fn supply(&mut self, role: &str, ecus: &[usize]) {
        self.growth.push(Growth::Supply(role.into(), ecus.to_vec()));
    }

    /// Does not serve the file of a delegated role.
    pub fn withhold(&mut self, role: &str) {
        self.withheld.push(role.into());
    }

    pub(crate) fn withholds(&self, role: RoleName) -> bool {
        self.withheld.contains(&role.into())
    }

    fn edit(&mut self, file: impl Into<Of>, edit: impl Fn(&mut Value) + 'static) {
        let file = file.into();
        self.renews_root |= file == Role::Root.into();
        self.edits.push((file, Box::new(edit)));
    }

    /// Applies the edits of a role, signs, and applies what comes after signing.
    pub(crate) fn make(&self, file: Of, mut signed: Value, labels: &[String]) -> Vec<u8> {
        let role = file.role();
        of(file, &self.edits).for_each(|edit| edit(&mut signed));
        let labels = of(file, &self.signers).last().map_or(labels, Vec::as_slice);
        let sign = |file: PartlySigned, label: &String| {
            file.signed_by(&signer(label)).unwrap_or_else(|error| panic!("test keys sign: {error}"))
        };
        let mut bytes = labels.iter().fold(PartlySigned::new(role, &signed), sign).to_file();
        of(file, &self.mangles).for_each(|mangle| mangle(&mut bytes));
        bytes
    }

    /// Applies what happens to a file after its parent was made.
    pub(crate) fn corrupted(&self, file: Of, mut bytes: Vec<u8>) -> Vec<u8> {
        of(file, &self.corruptions).for_each(|corrupt| corrupt(&mut bytes));
        bytes
    }

    /// The version a role's file ends up with.
    pub(crate) fn version_of(&self, file: Of, mut signed: Value) -> u64 {
        of(file, &self.edits).for_each(|edit| edit(&mut signed));
        let text = String::from_utf8(member(&mut signed, &["version".into()]).to_wire()).unwrap_or_default();
        text.parse().unwrap_or_default()
    }
}

fn of<T>(file: Of, all: &[(Of, T)]) -> impl Iterator<Item = &T> {
    all.iter().filter(move |(of, _)| *of == file).map(|(_, one)| one)
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
