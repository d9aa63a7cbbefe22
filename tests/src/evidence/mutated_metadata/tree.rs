//! JSON that may be wrong: keys that stand twice, numbers and strings nobody should accept, any spelling.

use super::chance::Chance;
use crate::oracle::json::Json;

/// A value to be mutated and written.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// Written as it is.
    Raw(Vec<u8>),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object; its names are strings, or raw.
    Object(Vec<(Tree, Tree)>),
}

/// How a tree is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As our servers send it, except that the order of members is kept.
    Wire,
    /// With white space everywhere.
    Pretty,
    /// With escapes nobody needs.
    Escaped,
}

impl Tree {
    /// A valid file, or a part of one.
    pub(super) fn of(json: &Json) -> Self {
        match json {
            Json::Text(text) => Self::Text(text.clone()),
            Json::List(elements) => Self::List(elements.iter().map(Self::of).collect()),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (Self::text(name), Self::of(value))).collect())
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) => Self::Raw(json.canonical()),
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn raw(raw: &str) -> Self {
        Self::Raw(raw.as_bytes().to_vec())
    }

    pub(super) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (Self::text(name), value)).collect())
    }

    /// The members, if it is an object.
    pub(super) fn members(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The elements, if it is a list.
    pub(super) fn elements(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::List(elements) = self { Some(elements) } else { None }
    }

    /// The value at a path of names.
    pub(super) fn at(&mut self, path: &[&str]) -> Option<&mut Self> {
        path.iter().try_fold(self, |tree, step| {
            let is_named = |name: &Self| matches!(name, Self::Text(name) if name == step);
            tree.members()?.iter_mut().find(|(name, _)| is_named(name)).map(|(_, value)| value)
        })
    }

    /// Sets a member of the object at a path, where there is one.
    pub(super) fn set(&mut self, path: &[&str], name: &str, value: Self) {
        if let Some(old) = self.at(path).and_then(|tree| tree.at(&[name])) {
            *old = value;
        } else if let Some(members) = self.at(path).and_then(Self::members) {
            members.push((Self::text(name), value));
            // Where it belongs in canonical order, unless something else was put out of order.
            members.sort_by_key(|(name, _)| name.write(Spelling::Wire));
        }
    }

    /// Removes a member of the object at a path.
    pub(super) fn remove(&mut self, path: &[&str], name: &str) {
        if let Some(members) = self.at(path).and_then(Self::members) {
            members.retain(|(found, _)| !matches!(found, Self::Text(found) if found == name));
        }
    }

    /// The number it is, if it is one.
    pub(super) fn number(&self) -> Option<u64> {
        if let Self::Raw(raw) = self { std::str::from_utf8(raw).ok()?.parse().ok() } else { None }
    }

    /// All names of an object.
    pub(super) fn names(&self) -> Vec<String> {
        let Self::Object(members) = self else { return Vec::new() };
        members
            .iter()
            .filter_map(|(name, _)| if let Self::Text(name) = name { Some(name.clone()) } else { None })
            .collect()
    }

    /// One of all values in it, itself included.
    pub(super) fn any(&mut self, chance: &mut Chance) -> &mut Self {
        let mut left = chance.below(self.size());
        self.nth(&mut left).unwrap_or_else(|| unreachable!("a tree has as many values as its size"))
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Raw(_) | Self::Text(_) => 0,
            Self::List(elements) => elements.iter().map(Self::size).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.size()).sum(),
        }
    }

    fn nth(&mut self, left: &mut usize) -> Option<&mut Self> {
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        let children: Vec<&mut Self> = match self {
            Self::Raw(_) | Self::Text(_) => Vec::new(),
            Self::List(elements) => elements.iter_mut().collect(),
            Self::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
        };
        children.into_iter().find_map(|child| {
            let size = child.size();
            if *left < size {
                return child.nth(left);
            }
            *left -= size;
            None
        })
    }

    /// Its bytes.
    pub(super) fn write(&self, spelling: Spelling) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(spelling, &mut out);
        out
    }

    fn write_to(&self, spelling: Spelling, out: &mut Vec<u8>) {
        let space: &[u8] = if spelling == Spelling::Pretty { b"\n  \t\r" } else { b"" };
        match self {
            Self::Raw(raw) => out.extend_from_slice(raw),
            Self::Text(text) => write_text(text, spelling, out),
            Self::List(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b"," } else { b"" });
                    out.extend_from_slice(space);
                    element.write_to(spelling, out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b"," } else { b"" });
                    out.extend_from_slice(space);
                    name.write_to(spelling, out);
                    out.push(b':');
                    out.extend_from_slice(space);
                    value.write_to(spelling, out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_text(text: &str, spelling: Spelling, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            '"' | '\\' => out.extend_from_slice(format!("\\{c}").as_bytes()),
            '/' if spelling == Spelling::Escaped => out.extend_from_slice(b"\\/"),
            'e' if spelling == Spelling::Escaped => out.extend_from_slice(b"\\u0065"),
            '\0'..' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
