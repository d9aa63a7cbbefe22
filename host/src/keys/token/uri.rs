//! The name of a key on a token: a PKCS#11 URI (RFC 7512).
//!
//! `pkcs11:token=LABEL;object=LABEL;id=%01?module-path=/path/of/the/module.so`. Of the path, `token`, `manufacturer`,
//! `model` and `serial` choose the token, `object` and `id` the key; what is left out matches everything. The module is
//! always named, and no secret ever is: a URI stands in scripts and in the list of processes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::TokenError;

/// Where a key on a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUri {
    pub(super) module: PathBuf,
    pub(super) token: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
}

impl TokenUri {
    /// How every such URI begins.
    pub const SCHEME: &str = "pkcs11:";

    /// The library that speaks for the token.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The label of the token, if it is named.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The label of the key, if it is named.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// The key of this label and id on the same token.
    pub(super) fn with_key(&self, object: Option<String>, id: Option<Vec<u8>>) -> Self {
        Self { object, id, ..self.clone() }
    }
}

impl FromStr for TokenUri {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        parse(text).map_err(|reason| TokenError::BadUri { text: shown(text), reason })
    }
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, token, manufacturer, model, serial, object, id } = self;
        let texts = [
            ("token", token),
            ("manufacturer", manufacturer),
            ("model", model),
            ("serial", serial),
            ("object", object),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?.as_bytes())));
        f.write_str(Self::SCHEME)?;
        for (index, (name, bytes)) in texts.chain(id.as_deref().map(|id| ("id", id))).enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{name}={}", Escaped(bytes))?;
        }
        write!(f, "?module-path={}", Escaped(module.as_os_str().as_encoded_bytes()))
    }
}

/// Bytes as they may stand in either part of a URI.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                write!(f, "{}", char::from(*byte))
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

fn parse(text: &str) -> Result<TokenUri, &'static str> {
    if text.len() > MAX_URI {
        return Err("is too long");
    }
    let rest = text.strip_prefix(TokenUri::SCHEME).ok_or("does not begin with pkcs11:")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut named = Named::default();
    for attribute in path.split(';').filter(|attribute| !attribute.is_empty()) {
        named.take_path(attribute)?;
    }
    for attribute in query.split('&').filter(|attribute| !attribute.is_empty()) {
        named.take_query(attribute)?;
    }
    named.finish()
}

/// The attributes read so far, each at most once (RFC 7512 §2.3).
#[derive(Default)]
struct Named {
    module: Option<Vec<u8>>,
    token: Option<Vec<u8>>,
    manufacturer: Option<Vec<u8>>,
    model: Option<Vec<u8>>,
    serial: Option<Vec<u8>>,
    object: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    kind: Option<Vec<u8>>,
}

impl Named {
    fn take_path(&mut self, attribute: &str) -> Result<(), &'static str> {
        let (name, value) = attribute.split_once('=').ok_or("has an attribute without a value")?;
        let place = match name {
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "model" => &mut self.model,
            "serial" => &mut self.serial,
            "object" => &mut self.object,
            "id" => &mut self.id,
            "type" => &mut self.kind,
            _ => return Err("has an attribute that chooses nothing here"),
        };
        put(place, value)
    }

    fn take_query(&mut self, attribute: &str) -> Result<(), &'static str> {
        let (name, value) = attribute.split_once('=').ok_or("has an attribute without a value")?;
        match name {
            "module-path" => put(&mut self.module, value),
            "pin-value" => Err("carries the PIN, which others can see there; give it like a passphrase"),
            "pin-source" => Err("says where the PIN is; give it like a passphrase, by --passphrase-file for example"),
            "module-name" => Err("has a module-name; give the module's whole path as module-path"),
            _ => Err("has an attribute that chooses nothing here"),
        }
    }

    fn finish(self) -> Result<TokenUri, &'static str> {
        if !matches!(self.kind.as_deref(), None | Some(b"private" | b"public")) {
            return Err("names something that is no key");
        }
        let module = text(self.module)?.map(PathBuf::from).ok_or("names no module-path")?;
        if !module.is_absolute() {
            return Err("has a module-path that does not begin with /");
        }
        Ok(TokenUri {
            module,
            token: text(self.token)?,
            manufacturer: text(self.manufacturer)?,
            model: text(self.model)?,
            serial: text(self.serial)?,
            object: text(self.object)?,
            id: self.id,
        })
    }
}

fn put(place: &mut Option<Vec<u8>>, value: &str) -> Result<(), &'static str> {
    let value = unescape(value).ok_or("has a % without two hexadecimal digits")?;
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("has an attribute twice"),
    }
}

fn text(value: Option<Vec<u8>>) -> Result<Option<String>, &'static str> {
    value.map(String::from_utf8).transpose().map_err(|_| "has an attribute that is not UTF-8")
}

fn unescape(value: &str) -> Option<Vec<u8>> {
    let mut bytes = value.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => 16 * digit(bytes.next()?)? + digit(bytes.next()?)?,
            _ => byte,
        });
    }
    Some(out)
}

fn digit(symbol: u8) -> Option<u8> {
    char::from(symbol).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A text that was refused, without what may be a PIN.
fn shown(text: &str) -> String {
    let path = text.split('?').next().unwrap_or_default();
    let path = path.split("pin-").next().unwrap_or_default();
    path.chars().take(MAX_SHOWN).collect()
}

/// Bytes of a URI.
const MAX_URI: usize = 2048;
/// Characters of a refused URI that its error repeats.
const MAX_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> &'static str {
        match text.parse::<TokenUri>() {
            Err(TokenError::BadUri { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_uri_reads_back_as_it_was_written() {
        let uri: TokenUri =
            "pkcs11:object=root%20key;token=Root%3b1;id=%01%ff?module-path=/usr/lib/m.so".parse().unwrap();
        assert_eq!(uri.token(), Some("Root;1"));
        assert_eq!(uri.object(), Some("root key"));
        assert_eq!(uri.id.as_deref(), Some([1, 0xff].as_slice()));
        assert_eq!(uri.to_string(), "pkcs11:token=Root%3B1;object=root%20key;id=%01%FF?module-path=/usr/lib/m.so");
        assert_eq!(uri.to_string().parse::<TokenUri>().unwrap(), uri);
    }

    #[test]
    fn a_secret_in_a_uri_is_refused_and_not_repeated() {
        let text = "pkcs11:token=a?module-path=/m.so&pin-value=1234";
        let error = text.parse::<TokenUri>().unwrap_err();
        assert!(error.to_string().contains("carries the PIN"));
        assert!(!error.to_string().contains("1234"));
        let error = "pkcs11:token=a;pin-value=1234?module-path=/m.so".parse::<TokenUri>().unwrap_err();
        assert!(!error.to_string().contains("1234"));
    }

    #[test]
    fn a_source_of_a_pin_is_refused_with_the_reason() {
        assert!(refused("pkcs11:token=a?module-path=/m.so&pin-source=/etc/pin").contains("--passphrase-file"));
    }

    #[test]
    fn a_module_is_named_by_its_whole_path() {
        assert_eq!(refused("pkcs11:token=a"), "names no module-path");
        // The dynamic linker would look for it where somebody else may have put one.
        assert_eq!(refused("pkcs11:token=a?module-path=m.so"), "has a module-path that does not begin with /");
    }

    #[test]
    fn an_attribute_stands_once() {
        assert_eq!(refused("pkcs11:token=a;token=b?module-path=/m.so"), "has an attribute twice");
    }

    #[test]
    fn an_attribute_nobody_looks_at_is_refused_rather_than_ignored() {
        assert_eq!(refused("pkcs11:slot-id=3?module-path=/m.so"), "has an attribute that chooses nothing here");
    }

    #[test]
    fn a_broken_escape_is_refused() {
        assert_eq!(refused("pkcs11:token=%4?module-path=/m.so"), "has a % without two hexadecimal digits");
        assert_eq!(refused("pkcs11:token=%+4?module-path=/m.so"), "has a % without two hexadecimal digits");
    }

    #[test]
    fn a_certificate_is_no_key() {
        assert_eq!(refused("pkcs11:type=cert?module-path=/m.so"), "names something that is no key");
    }

    fn any_uri() -> impl Strategy<Value = TokenUri> {
        let text = || proptest::option::of("\\PC{0,12}");
        let texts = (text(), text(), text(), text(), text());
        (texts, proptest::option::of(any::<[u8; 5]>()), "(/[^\0]{1,9}){1,3}").prop_map(|(texts, id, module)| {
            let (token, manufacturer, model, serial, object) = texts;
            TokenUri { module: module.into(), token, manufacturer, model, serial, object, id: id.map(Vec::from) }
        })
    }

    proptest! {
        #[test]
        fn every_name_reads_back_as_it_was_written(uri in any_uri()) {
            prop_assert_eq!(uri.to_string().parse(), Ok(uri));
        }

        #[test]
        fn a_text_that_is_read_says_what_it_says_when_written_again(
            text in "pkcs11:(token|object|type)=[ -~]{0,12}(;(id|serial)=[%0-9a-f]{0,6})?\\?module-path=/[ -~]{0,20}",
        ) {
            if let Ok(uri) = text.parse::<TokenUri>() {
                prop_assert_eq!(uri.to_string().parse(), Ok(uri));
            }
        }
    }
}
