//! A repository that can be valid, or wrong in one place: everything in it is plain JSON until it is published.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::keys::{Algorithm, Key, canonical, hex, sha256};
use super::server::{Answer, Server};

/// What a role says now, and who signs it.
#[derive(Clone, Debug)]
pub struct Role {
    /// The `signed` part.
    pub signed: Value,
    /// The keys that sign it when it is published.
    pub signers: Vec<Key>,
    /// How often it was published.
    published: u64,
}

/// How files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With line breaks and blanks, as python-tuf does.
    Pretty,
    /// As they are signed, but for control characters.
    Compact,
}

/// A repository on a server of its own.
pub struct Repository {
    roles: BTreeMap<String, Role>,
    server: Server,
    seed: u64,
    keys_made: usize,
    algorithm: Algorithm,
    /// How files are written.
    pub form: Form,
    /// Whether Timestamp and Snapshot list lengths and digests.
    pub lists_digests: bool,
}

/// A time that never comes.
pub const NEVER: &str = "2999-01-01T00:00:00Z";
/// A time that is over.
pub const OVER: &str = "2020-01-01T00:00:00Z";

/// The four roles every repository has.
pub const TOP_LEVEL: [&str; 4] = ["root", "snapshot", "targets", "timestamp"];

impl Repository {
    /// A valid repository of version 1, with one key of this algorithm for each role.
    ///
    /// # Errors
    /// No port is free for its server.
    pub fn new(seed: u64, algorithm: Algorithm) -> Result<Self> {
        let server = Server::start()?;
        let mut repository = Self {
            roles: BTreeMap::new(),
            server,
            seed,
            keys_made: 0,
            algorithm,
            form: Form::Pretty,
            lists_digests: false,
        };
        let common = |kind| json!({ "_type": kind, "spec_version": "1.0.34", "version": 1, "expires": NEVER });
        for kind in TOP_LEVEL {
            repository.insert(kind, common(kind), Vec::new());
        }
        repository.signed("root")["consistent_snapshot"] = json!(true);
        repository.signed("root")["keys"] = json!({});
        repository.signed("snapshot")["meta"] = json!({});
        repository.signed("targets")["targets"] = json!({});
        repository.signed("timestamp")["meta"] = json!({});
        for kind in TOP_LEVEL {
            repository.signed("root")["roles"][kind] = json!({ "keyids": [], "threshold": 1 });
        }
        for kind in TOP_LEVEL {
            let key = repository.key()?;
            repository.add_key(kind, &key);
        }
        repository.publish(&["root", "targets", "snapshot", "timestamp"])?;
        Ok(repository)
    }

    /// Its server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A key that was not used before.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn key(&mut self) -> Result<Key> {
        self.key_of(self.algorithm)
    }

    /// The same, of another algorithm.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn key_of(&mut self, algorithm: Algorithm) -> Result<Key> {
        self.keys_made += 1;
        Key::new(algorithm, self.seed, self.keys_made)
    }

    /// What a role says.
    ///
    /// # Panics
    /// There is no such role: the case is wrong.
    pub fn signed(&mut self, role: &str) -> &mut Value {
        &mut self.role(role).signed
    }

    /// A role.
    ///
    /// # Panics
    /// There is no such role: the case is wrong.
    pub fn role(&mut self, role: &str) -> &mut Role {
        self.roles.get_mut(role).unwrap_or_else(|| panic!("there is no role {role:?}"))
    }

    /// Makes `key` one of the role's, in Root and among those who sign.
    pub fn add_key(&mut self, role: &str, key: &Key) {
        self.list_key(role, key);
        self.role(role).signers.push(key.clone());
    }

    /// Makes `key` one of the role's in Root, and does not sign with it.
    pub fn list_key(&mut self, role: &str, key: &Key) {
        let root = self.signed("root");
        root["keys"][&key.id] = key.public.clone();
        push(&mut root["roles"][role]["keyids"], json!(key.id));
    }

    /// Gives a top-level role other keys.
    ///
    /// # Errors
    /// No key can be made.
    pub fn rotate(&mut self, role: &str) -> Result<()> {
        self.signed("root")["roles"][role]["keyids"] = json!([]);
        self.role(role).signers.clear();
        let key = self.key()?;
        self.add_key(role, &key);
        Ok(())
    }

    /// Adds a delegated role that is signed by one new key; `with` becomes part of the delegation.
    ///
    /// # Errors
    /// No key can be made.
    pub fn delegate(&mut self, from: &str, to: &str, with: Value) -> Result<()> {
        let key = self.key()?;
        let mut delegation = json!({ "name": to, "keyids": [key.id], "threshold": 1, "terminating": false });
        merge(&mut delegation, with);
        let delegations = &mut self.signed(from)["delegations"];
        delegations["keys"][&key.id] = key.public.clone();
        push(&mut delegations["roles"], delegation);
        match self.roles.get_mut(to) {
            Some(role) => role.signers.push(key),
            None => {
                let signed = json!({
                    "_type": "targets", "spec_version": "1.0.34", "version": 1, "expires": NEVER, "targets": {},
                });
                self.insert(to, signed, vec![key]);
            }
        }
        Ok(())
    }

    /// Delegates to the bins of TAP 15, all signed by one new key.
    ///
    /// # Errors
    /// No key can be made.
    pub fn delegate_to_bins(&mut self, from: &str, prefix: &str, bit_length: u32) -> Result<Vec<String>> {
        let key = self.key()?;
        let digits = usize::try_from(bit_length.div_ceil(4))?;
        let names: Vec<String> = (0..1_u64 << bit_length).map(|bin| format!("{prefix}-{bin:0digits$x}")).collect();
        self.signed(from)["delegations"] = json!({
            "keys": { &key.id: key.public },
            "succinct_roles": {
                "bit_length": bit_length, "keyids": [key.id], "name_prefix": prefix, "threshold": 1,
            },
        });
        for name in &names {
            let signed = json!({
                "_type": "targets", "spec_version": "1.0.34", "version": 1, "expires": NEVER, "targets": {},
            });
            self.insert(name, signed, vec![key.clone()]);
        }
        Ok(names)
    }

    /// Lists a target in a role, and serves its content.
    pub fn add_target(&mut self, role: &str, name: &str, content: &[u8]) {
        let digest = sha256(content);
        self.signed(role)["targets"][name] = json!({ "length": content.len(), "hashes": { "sha256": digest } });
        self.serve_target(name, &digest, Answer::File(content.to_vec()));
    }

    /// Serves a target under its name and, as consistent repositories do, under one with its digest.
    pub fn serve_target(&self, name: &str, digest: &str, answer: Answer) {
        let prefixed = match name.rsplit_once('/') {
            Some((folder, file)) => format!("targets/{folder}/{digest}.{file}"),
            None => format!("targets/{digest}.{name}"),
        };
        self.server.put(&prefixed, answer);
    }

    /// Signs these roles and serves them, each with a version more than before; Snapshot lists what came before it in
    /// the list, Timestamp the Snapshot.
    ///
    /// # Errors
    /// A role has no version.
    pub fn publish(&mut self, roles: &[&str]) -> Result<()> {
        for role in roles {
            let known = self.role(role);
            if known.published > 0 {
                let version = known.signed["version"].as_u64().context("a version")?;
                known.signed["version"] = json!(version + 1);
            }
            self.publish_as_is(role)?;
        }
        Ok(())
    }

    /// Signs and serves what changed in the usual order: this Targets role, Snapshot, Timestamp.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_targets(&mut self, roles: &[&str]) -> Result<()> {
        self.publish(roles)?;
        self.publish(&["snapshot", "timestamp"])
    }

    /// Signs a role as it stands and serves it under its own version.
    ///
    /// # Errors
    /// The role has no version.
    pub fn publish_as_is(&mut self, role: &str) -> Result<()> {
        let version = self.role(role).signed["version"].as_u64().context("a version")?;
        self.publish_at(role, version)
    }

    /// Signs a role as it stands and serves it as if it had this version.
    ///
    /// # Errors
    /// The role has no version.
    pub fn publish_at(&mut self, role: &str, version: u64) -> Result<()> {
        let file = self.sign(role);
        let bytes = self.write(&file);
        self.role(role).published += 1;
        self.list(role, &bytes)?;
        let path = self.path(role, version);
        self.serve(&path, Answer::File(bytes));
        Ok(())
    }

    /// The file of a role, signed as it stands now.
    pub fn sign(&mut self, role: &str) -> Value {
        let Role { signed, signers, published: _ } = self.role(role);
        let bytes = canonical(signed);
        let signatures: Vec<Value> = signers.iter().map(|key| key.sign(&bytes)).collect();
        json!({ "signatures": signatures, "signed": signed })
    }

    /// A file's bytes.
    pub fn write(&self, file: &Value) -> Vec<u8> {
        match self.form {
            Form::Pretty => serde_json::to_vec_pretty(file).unwrap_or_default(),
            Form::Compact => serde_json::to_vec(file).unwrap_or_default(),
        }
    }

    /// Changes a file that is served, after it was signed.
    ///
    /// # Errors
    /// It is not served.
    pub fn tamper(&mut self, path: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        let path = format!("metadata/{path}");
        let mut file = serde_json::from_slice(&self.server.file(&path)?)?;
        change(&mut file);
        self.server.put(&path, Answer::File(self.write(&file)));
        Ok(())
    }

    /// Serves something else in place of a metadata file.
    pub fn serve(&self, path: &str, answer: Answer) {
        self.server.put(&format!("metadata/{path}"), answer);
    }

    /// A metadata file as it is served.
    ///
    /// # Errors
    /// It is not served.
    pub fn file(&self, path: &str) -> Result<Vec<u8>> {
        self.server.file(&format!("metadata/{path}"))
    }

    /// Where a role of this version is served.
    pub fn path(&mut self, role: &str, version: u64) -> String {
        let consistent = self.signed("root")["consistent_snapshot"] == json!(true);
        match role {
            "timestamp" => "timestamp.json".to_owned(),
            "root" => format!("{version}.root.json"),
            role if consistent => format!("{version}.{role}.json"),
            role => format!("{role}.json"),
        }
    }

    /// Lists a published file in its parent.
    fn list(&mut self, role: &str, bytes: &[u8]) -> Result<()> {
        let version = self.role(role).signed["version"].clone();
        let mut listed = json!({ "version": version });
        if self.lists_digests {
            merge(&mut listed, json!({ "length": bytes.len(), "hashes": { "sha256": sha256(bytes) } }));
        }
        match role {
            "root" | "timestamp" => {}
            "snapshot" => self.signed("timestamp")["meta"] = json!({ "snapshot.json": listed }),
            role => self.signed("snapshot")["meta"][format!("{role}.json")] = listed,
        }
        Ok(())
    }

    fn insert(&mut self, role: &str, signed: Value, signers: Vec<Key>) {
        self.roles.insert(role.to_owned(), Role { signed, signers, published: 0 });
    }
}

/// The time so many seconds from now, as metadata writes it.
pub fn in_seconds(seconds: u64) -> String {
    let unix = host::clock::now().unix() + seconds;
    let (days, rest) = (unix / 86_400, unix % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day, so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, usize, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// A signature that looks like one and is none.
pub fn forged() -> String {
    hex(&[0x30; 70])
}

fn push(array: &mut Value, element: Value) {
    match array.as_array_mut() {
        Some(elements) => elements.push(element),
        None => *array = Value::Array(vec![element]),
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        let from: Map<String, Value> = from;
        into.extend(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_818), (2026, 12, 31));
    }
}
