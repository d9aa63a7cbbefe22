//! Keys as a token keeps them: two objects of one id, the private one and the public one (PKCS#11 §4.8, §4.9).

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use uptane::PublicKey;

use super::module::refused;
use super::{TokenError, TokenUri, form};
use crate::keys::Algorithm;

/// A key that a token shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its name.
    pub uri: TokenUri,
    /// Its public half; none if it is of an algorithm that signs nothing here.
    pub public: Option<PublicKey>,
}

/// The one private key that `uri` names, if it may sign.
pub(super) fn signing_key(session: &Session, uri: &TokenUri) -> Result<(ObjectHandle, Algorithm), TokenError> {
    let named = find(session, ObjectClass::PRIVATE_KEY, uri)?;
    let key = one(&named, uri)?.ok_or_else(|| TokenError::NoKey { uri: Box::new(uri.clone()) })?;
    let algorithm = algorithm(session, key, uri)?;
    let uses = attributes(session, key, &[AttributeType::Sign, AttributeType::AlwaysAuthenticate])?;
    if uses.contains(&Attribute::Sign(false)) {
        return Err(TokenError::CannotSign { uri: Box::new(uri.clone()) });
    }
    if uses.contains(&Attribute::AlwaysAuthenticate(true)) {
        return Err(TokenError::AsksEachTime { uri: Box::new(uri.clone()) });
    }
    Ok((key, algorithm))
}

/// The public half of a private key: the public object with its id, or with its label if it has none.
pub(super) fn public_half(session: &Session, key: ObjectHandle, uri: &TokenUri) -> Result<PublicKey, TokenError> {
    let own = match name(session, key)? {
        (_, Some(id)) => uri.with_key(None, Some(id)),
        (Some(label), None) => uri.with_key(Some(label), None),
        (None, None) => return Err(TokenError::NoPublicHalf { uri: Box::new(uri.clone()) }),
    };
    public_named(session, &own)
}

/// The one public key that `uri` names.
pub(super) fn public_named(session: &Session, uri: &TokenUri) -> Result<PublicKey, TokenError> {
    let named = find(session, ObjectClass::PUBLIC_KEY, uri)?;
    let key = one(&named, uri)?.ok_or_else(|| TokenError::NoPublicHalf { uri: Box::new(uri.clone()) })?;
    public_key(session, key, uri)
}

/// Every public key that `uri` matches.
pub(super) fn list(session: &Session, uri: &TokenUri) -> Result<Vec<ListedKey>, TokenError> {
    let listed = |key| {
        let (label, id) = name(session, key)?;
        Ok(ListedKey { uri: uri.with_key(label, id), public: public_key(session, key, uri).ok() })
    };
    find(session, ObjectClass::PUBLIC_KEY, uri)?.into_iter().map(listed).collect()
}

/// Refuses a label or an id that a key has already: PKCS#11 would let two have it.
pub(super) fn check_free(session: &Session, label: &str, uri: &TokenUri) -> Result<(), TokenError> {
    let by_label = uri.with_key(Some(label.to_owned()), None);
    let by_id = uri.id.clone().map(|id| uri.with_key(None, Some(id)));
    for taken in [by_label].into_iter().chain(by_id) {
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if !find(session, class, &taken)?.is_empty() {
                return Err(TokenError::AlreadyThere { uri: Box::new(taken) });
            }
        }
    }
    Ok(())
}

/// Makes a key that signs and that the token does not give out.
pub(super) fn generate(session: &Session, algorithm: Algorithm, label: &str, id: &[u8]) -> Result<(), TokenError> {
    let mechanism = match algorithm {
        Algorithm::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
        Algorithm::EcdsaP256 => Mechanism::EccKeyPairGen,
    };
    let named = [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())];
    let public = [
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(form::parameters_of(algorithm).to_vec()),
    ];
    let private =
        [Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Sign(true)];
    let made = session.generate_key_pair(
        &mechanism,
        &[named.as_slice(), &public].concat(),
        &[named.as_slice(), &private].concat(),
    );
    made.map(|_| ()).map_err(refused("make the key"))
}

fn find(session: &Session, class: ObjectClass, uri: &TokenUri) -> Result<Vec<ObjectHandle>, TokenError> {
    let label = uri.object.as_ref().map(|label| Attribute::Label(label.as_bytes().to_vec()));
    let id = uri.id.clone().map(Attribute::Id);
    let wanted: Vec<_> = [Attribute::Token(true), Attribute::Class(class)].into_iter().chain(label).chain(id).collect();
    let found = session.iter_objects(&wanted).map_err(refused("look for keys"))?;
    found.take(MAX_OBJECTS).collect::<Result<_, _>>().map_err(refused("look for keys"))
}

fn one(found: &[ObjectHandle], uri: &TokenUri) -> Result<Option<ObjectHandle>, TokenError> {
    match found {
        [] => Ok(None),
        [key] => Ok(Some(*key)),
        several => Err(TokenError::Ambiguous { what: "keys", uri: Box::new(uri.clone()), found: several.len() }),
    }
}

fn public_key(session: &Session, key: ObjectHandle, uri: &TokenUri) -> Result<PublicKey, TokenError> {
    let algorithm = algorithm(session, key, uri)?;
    let points = attributes(session, key, &[AttributeType::EcPoint])?;
    let point = points.iter().find_map(|attribute| {
        let Attribute::EcPoint(point) = attribute else { return None };
        form::public_key(algorithm, point)
    });
    point.ok_or_else(|| TokenError::NoPublicHalf { uri: Box::new(uri.clone()) })
}

fn algorithm(session: &Session, key: ObjectHandle, uri: &TokenUri) -> Result<Algorithm, TokenError> {
    let found = attributes(session, key, &[AttributeType::KeyType, AttributeType::EcParams])?;
    let curve = found.iter().find_map(|attribute| {
        let Attribute::EcParams(parameters) = attribute else { return None };
        form::algorithm_of(parameters)
    });
    curve.ok_or_else(|| {
        let elliptic = [KeyType::EC, KeyType::EC_EDWARDS].map(Attribute::KeyType);
        let kind = found.iter().find(|attribute| matches!(attribute, Attribute::KeyType(_)));
        let what = match kind {
            Some(kind) if elliptic.contains(kind) => "a key on another curve".to_owned(),
            Some(Attribute::KeyType(kind)) => format!("a key of {kind}"),
            _ => "a key of a kind the token does not tell".to_owned(),
        };
        TokenError::UnsupportedAlgorithm { uri: Box::new(uri.clone()), what }
    })
}

/// Label and id of a key, as far as it has them.
fn name(session: &Session, key: ObjectHandle) -> Result<(Option<String>, Option<Vec<u8>>), TokenError> {
    let (mut label, mut id) = (None, None);
    for attribute in attributes(session, key, &[AttributeType::Label, AttributeType::Id])? {
        if let Attribute::Label(bytes) = attribute {
            label = String::from_utf8(bytes).ok().filter(|label| !label.is_empty());
        } else if let Attribute::Id(bytes) = attribute {
            id = Some(bytes).filter(|id| !id.is_empty());
        }
    }
    Ok((label, id))
}

fn attributes(session: &Session, key: ObjectHandle, of: &[AttributeType]) -> Result<Vec<Attribute>, TokenError> {
    session.get_attributes(key, of).map_err(refused("describe the key"))
}

/// Keys of a token that are looked at.
const MAX_OBJECTS: usize = 1024;
