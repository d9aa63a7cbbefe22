//! Modules and the tokens they see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Failure, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::RawAuthPin;

use super::{TokenError, TokenUri, Tries};
use crate::keys::{Algorithm, Passphrase};

/// The one token a URI names.
pub(super) struct Found {
    module: Pkcs11,
    slot: Slot,
    label: String,
    path: PathBuf,
}

impl Found {
    /// Looks for it.
    pub(super) fn at(uri: &TokenUri) -> Result<Self, TokenError> {
        let module = started(uri.module())?;
        let slots = module.get_slots_with_token().map_err(|error| unusable(uri.module(), &error))?;
        // A token that was pulled out just now is no reason not to use another.
        let tokens: Vec<_> = slots.into_iter().filter_map(|slot| Some((slot, initialized(&module, slot)?))).collect();
        let named: Vec<_> = tokens.iter().filter(|(_, info)| is_named(uri, info)).collect();
        match named.as_slice() {
            [(slot, info)] => {
                let (label, path) = (info.label().to_owned(), uri.module().to_owned());
                Ok(Self { module: module.clone(), slot: *slot, label, path })
            }
            [] => {
                let seen = tokens.iter().map(|(_, info)| info.label().to_owned()).take(MAX_SEEN).collect();
                Err(TokenError::NoToken { uri: Box::new(uri.clone()), seen })
            }
            several => {
                let uri = Box::new(uri.clone());
                Err(TokenError::Ambiguous { what: "tokens", uri, found: several.len() })
            }
        }
    }

    /// A session that changes nothing on the token. It closes when dropped.
    pub(super) fn session(&self) -> Result<Session, TokenError> {
        self.module.open_ro_session(self.slot).map_err(refused("open a session"))
    }

    /// A session that may.
    pub(super) fn writing_session(&self) -> Result<Session, TokenError> {
        self.module.open_rw_session(self.slot).map_err(refused("open a session that writes"))
    }

    /// Opens the private part of the token.
    pub(super) fn log_in(&self, session: &Session, pin: &Passphrase) -> Result<(), TokenError> {
        let pin = RawAuthPin::new(Box::new(pin.as_bytes().to_vec()));
        match session.login_with_raw(UserType::User, &pin) {
            Ok(()) | Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => {
                let tries = initialized(&self.module, self.slot).map_or(Tries::Unknown, |info| tries(&info));
                Err(not_opened(&error, tries, self.label.clone(), self.path.clone()))
            }
        }
    }

    /// Refuses to make keys the token does not know.
    pub(super) fn check_makes(&self, algorithm: Algorithm, uri: &TokenUri) -> Result<(), TokenError> {
        let known = self.module.get_mechanism_list(self.slot).map_err(refused("list what it can do"))?;
        let (wanted, name) = match algorithm {
            Algorithm::Ed25519 => (MechanismType::ECC_EDWARDS_KEY_PAIR_GEN, "Ed25519"),
            Algorithm::EcdsaP256 => (MechanismType::ECC_KEY_PAIR_GEN, "ECDSA P-256"),
        };
        let unknown = || TokenError::UnsupportedByToken { uri: Box::new(uri.clone()), algorithm: name };
        known.contains(&wanted).then_some(()).ok_or_else(unknown)
    }
}

/// What is wrong, without the paragraphs of the standard.
pub(super) fn reason(error: &Failure) -> String {
    if let Failure::Pkcs11(code, function) = error {
        return format!("{function:?} answers {code:?}");
    }
    error.to_string()
}

/// The error that the token does not do something.
pub(super) fn refused<E: std::borrow::Borrow<Failure>>(doing: &'static str) -> impl Fn(E) -> TokenError {
    move |error| TokenError::Refused { doing, reason: reason(error.borrow()) }
}

fn started(path: &Path) -> Result<Pkcs11, TokenError> {
    let mut all = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = all.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(|error| unusable(path, &error))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(unusable(path, &error)),
    }
    all.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn unusable(path: &Path, error: &Failure) -> TokenError {
    TokenError::Module { module: path.to_owned(), reason: reason(error) }
}

fn initialized(module: &Pkcs11, slot: Slot) -> Option<TokenInfo> {
    module.get_token_info(slot).ok().filter(TokenInfo::token_initialized)
}

fn is_named(uri: &TokenUri, info: &TokenInfo) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
    same(&uri.token, info.label())
        && same(&uri.manufacturer, info.manufacturer_id())
        && same(&uri.model, info.model())
        && same(&uri.serial, info.serial_number())
}

fn tries(info: &TokenInfo) -> Tries {
    match () {
        () if info.user_pin_final_try() => Tries::Last,
        () if info.user_pin_count_low() => Tries::Counted,
        () => Tries::Unknown,
    }
}

fn not_opened(error: &Failure, tries: Tries, token: String, module: PathBuf) -> TokenError {
    let code = if let Failure::Pkcs11(code, _) = error { Some(*code) } else { None };
    match code {
        Some(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange) => {
            TokenError::Pin { token, tries, module }
        }
        Some(RvError::PinLocked) => TokenError::PinLocked { token, module },
        Some(RvError::UserPinNotInitialized) => TokenError::PinNotSet { token, module },
        _ => refused("take the PIN")(error),
    }
}

/// The modules of this process. PKCS#11 starts and ends a module once per process, whoever uses it (§5.4.1).
static STARTED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
/// Labels of other tokens that an error names.
const MAX_SEEN: usize = 16;

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    fn after(code: RvError) -> TokenError {
        not_opened(&Failure::Pkcs11(code, Function::Login), Tries::Unknown, "convoy".into(), "/module.so".into())
    }

    #[test]
    fn a_locked_pin_is_told_from_a_wrong_one() {
        assert!(matches!(after(RvError::PinLocked), TokenError::PinLocked { .. }));
        assert!(matches!(after(RvError::PinIncorrect), TokenError::Pin { .. }));
    }

    #[test]
    fn a_token_without_a_pin_is_named() {
        assert!(matches!(after(RvError::UserPinNotInitialized), TokenError::PinNotSet { .. }));
    }

    #[test]
    fn any_other_refusal_says_what_the_token_answers() {
        let error = after(RvError::DeviceRemoved);
        assert_eq!(error.to_string(), "the token does not take the PIN: Login answers DeviceRemoved");
    }
}
