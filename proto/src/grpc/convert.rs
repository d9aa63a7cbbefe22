//! Generated types from and to the vocabulary.

use uptane::limits::MAX_REPOSITORIES;
use uptane::{EcuId, HardwareId, Length, Nonce, Sha256, TransactionId, Version};

use super::secondary as wire;
use crate::Error;
use crate::secondary::{File, Identity, ImageNumber, Phase, Refusal, Reply, Repo, Request, Verification};

impl From<Request<'_>> for wire::Request {
    fn from(request: Request<'_>) -> Self {
        use wire::request::Request as Ask;
        let request = match request {
            Request::Identify => Ask::Identify(wire::Empty {}),
            Request::TimeNonce => Ask::TimeNonce(wire::Empty {}),
            Request::Begin(transaction) => Ask::Begin(transaction.0.to_vec()),
            Request::Offer(file, length) => Ask::Offer(wire::Offer { file: Some(file.into()), length: length.get() }),
            Request::Chunk(offset, data) => Ask::Chunk(wire::Chunk { offset: offset.get(), data: data.to_vec() }),
            Request::Close => Ask::Close(wire::Empty {}),
            Request::Report(nonce) => Ask::Report(nonce.0.to_vec()),
        };
        Self { request: Some(request) }
    }
}

impl<'a> TryFrom<&'a wire::Request> for Request<'a> {
    type Error = Error;

    fn try_from(request: &'a wire::Request) -> Result<Self, Error> {
        use wire::request::Request as Ask;
        Ok(match request.request.as_ref().ok_or(bad("request"))? {
            Ask::Identify(wire::Empty {}) => Self::Identify,
            Ask::TimeNonce(wire::Empty {}) => Self::TimeNonce,
            Ask::Begin(transaction) => Self::Begin(TransactionId(array(transaction, "begin")?)),
            Ask::Offer(wire::Offer { file, length: bytes }) => {
                Self::Offer(file.as_ref().ok_or(bad("offer.file"))?.try_into()?, length(*bytes, "offer.length")?)
            }
            Ask::Chunk(wire::Chunk { offset, data }) => Self::Chunk(length(*offset, "chunk.offset")?, data),
            Ask::Close(wire::Empty {}) => Self::Close,
            Ask::Report(nonce) => Self::Report(Nonce(array(nonce, "report")?)),
        })
    }
}

impl From<File> for wire::File {
    fn from(file: File) -> Self {
        use wire::file::{File as Kind, Root};
        let number = |repo| wire::Repository::from(repo).into();
        let file = match file {
            File::Time => Kind::Time(wire::Empty {}),
            File::Root(repo, version) => Kind::Root(Root { repository: number(repo), version: version.get() }),
            File::Timestamp(repo) => Kind::Timestamp(number(repo)),
            File::Snapshot(repo) => Kind::Snapshot(number(repo)),
            File::Targets(repo) => Kind::Targets(number(repo)),
            File::Delegated(image) => Kind::Delegated(number(Repo::Image(image))),
            File::Image => Kind::Image(wire::Empty {}),
            File::Patch => Kind::Patch(wire::Empty {}),
            File::Command => Kind::Command(wire::Empty {}),
        };
        Self { file: Some(file) }
    }
}

impl TryFrom<&wire::File> for File {
    type Error = Error;

    fn try_from(file: &wire::File) -> Result<Self, Error> {
        use wire::file::{File as Kind, Root};
        Ok(match file.file.as_ref().ok_or(bad("file"))? {
            Kind::Time(wire::Empty {}) => Self::Time,
            Kind::Root(Root { repository, version: number }) => {
                Self::Root(repo(*repository)?, version(*number, "root.version")?)
            }
            Kind::Timestamp(repository) => Self::Timestamp(repo(*repository)?),
            Kind::Snapshot(repository) => Self::Snapshot(repo(*repository)?),
            Kind::Targets(repository) => Self::Targets(repo(*repository)?),
            Kind::Delegated(repository) => match repo(*repository)? {
                Repo::Image(image) => Self::Delegated(image),
                Repo::Director => return Err(bad("delegated")),
            },
            Kind::Image(wire::Empty {}) => Self::Image,
            Kind::Patch(wire::Empty {}) => Self::Patch,
            Kind::Command(wire::Empty {}) => Self::Command,
        })
    }
}

impl From<Repo> for wire::Repository {
    fn from(repo: Repo) -> Self {
        match repo {
            Repo::Director => Self::Director,
            // Every place has its own.
            Repo::Image(number) => IMAGES.get(number.get()).copied().unwrap_or(Self::Unspecified),
        }
    }
}

impl From<Reply<'_>> for wire::Reply {
    fn from(reply: Reply<'_>) -> Self {
        use wire::reply::Reply as Answer;
        let reply = match reply {
            Reply::Identity(identity) => Answer::Identity(identity.into()),
            Reply::TimeNonce(nonce) => Answer::TimeNonce(nonce.0.to_vec()),
            Reply::Ready(offset, max_chunk) => Answer::Ready(wire::Ready { offset: offset.get(), max_chunk }),
            Reply::Taken(offset) => Answer::Taken(offset.get()),
            Reply::Done => Answer::Done(wire::Empty {}),
            Reply::Report(report) => Answer::Report(report.to_vec()),
            Reply::Refused(refusal) => Answer::Refused(refusal.into()),
        };
        Self { reply: Some(reply) }
    }
}

impl<'a> TryFrom<&'a wire::Reply> for Reply<'a> {
    type Error = Error;

    fn try_from(reply: &'a wire::Reply) -> Result<Self, Error> {
        use wire::reply::Reply as Answer;
        Ok(match reply.reply.as_ref().ok_or(bad("reply"))? {
            Answer::Identity(identity) => Self::Identity(identity.try_into()?),
            Answer::TimeNonce(nonce) => Self::TimeNonce(Nonce(array(nonce, "time_nonce")?)),
            Answer::Ready(wire::Ready { offset, max_chunk }) => {
                Self::Ready(length(*offset, "ready.offset")?, *max_chunk)
            }
            Answer::Taken(offset) => Self::Taken(length(*offset, "taken")?),
            Answer::Done(wire::Empty {}) => Self::Done,
            Answer::Report(report) => Self::Report(report),
            Answer::Refused(refusal) => Self::Refused(refusal.try_into()?),
        })
    }
}

impl From<Identity> for wire::Identity {
    fn from(identity: Identity) -> Self {
        let Identity { ecu, hardware, verification, director_root, image_root, running, phase } = identity;
        Self {
            ecu: ecu.as_str().into(),
            hardware: hardware.as_str().into(),
            verification: wire::Verification::from(verification).into(),
            director_root: director_root.get(),
            image_root: image_root.map_or(0, Version::get),
            running: running.0.to_vec(),
            phase: Some(phase.into()),
        }
    }
}

impl TryFrom<&wire::Identity> for Identity {
    type Error = Error;

    fn try_from(identity: &wire::Identity) -> Result<Self, Error> {
        let wire::Identity { ecu, hardware, verification: verifies, director_root, image_root, running, phase } =
            identity;
        let image_root = match *image_root {
            0 => None,
            root => Some(version(root, "identity.image_root")?),
        };
        Ok(Self {
            ecu: EcuId::parse(ecu).map_err(|_| bad("identity.ecu"))?,
            hardware: HardwareId::parse(hardware).map_err(|_| bad("identity.hardware"))?,
            verification: verification(*verifies)?,
            director_root: version(*director_root, "identity.director_root")?,
            image_root,
            running: Sha256(array(running, "identity.running")?),
            phase: phase.as_ref().ok_or(bad("identity.phase"))?.try_into()?,
        })
    }
}

impl From<Verification> for wire::Verification {
    fn from(verification: Verification) -> Self {
        match verification {
            Verification::Full => Self::Full,
            Verification::Partial => Self::Partial,
            Verification::PartialPlus => Self::PartialPlus,
        }
    }
}

impl From<Phase> for wire::Phase {
    fn from(phase: Phase) -> Self {
        use wire::phase::Phase as Stands;
        let phase = match phase {
            Phase::Idle => Stands::Idle(wire::Empty {}),
            Phase::Staging(transaction) => Stands::Staging(transaction.0.to_vec()),
            Phase::Staged(transaction) => Stands::Staged(transaction.0.to_vec()),
            Phase::Trial(transaction) => Stands::Trial(transaction.0.to_vec()),
            Phase::Healthy(transaction) => Stands::Healthy(transaction.0.to_vec()),
            Phase::Committed(transaction) => Stands::Committed(transaction.0.to_vec()),
            Phase::RolledBack(transaction) => Stands::RolledBack(transaction.0.to_vec()),
        };
        Self { phase: Some(phase) }
    }
}

impl TryFrom<&wire::Phase> for Phase {
    type Error = Error;

    fn try_from(phase: &wire::Phase) -> Result<Self, Error> {
        use wire::phase::Phase as Stands;
        let transaction = |id: &[u8]| array(id, "phase").map(TransactionId);
        Ok(match phase.phase.as_ref().ok_or(bad("phase"))? {
            Stands::Idle(wire::Empty {}) => Self::Idle,
            Stands::Staging(id) => Self::Staging(transaction(id)?),
            Stands::Staged(id) => Self::Staged(transaction(id)?),
            Stands::Trial(id) => Self::Trial(transaction(id)?),
            Stands::Healthy(id) => Self::Healthy(transaction(id)?),
            Stands::Committed(id) => Self::Committed(transaction(id)?),
            Stands::RolledBack(id) => Self::RolledBack(transaction(id)?),
        })
    }
}

impl From<Refusal> for wire::Refusal {
    fn from(refusal: Refusal) -> Self {
        use wire::refusal::Refusal as Cause;
        let refusal = match refusal {
            Refusal::Check(code) => Cause::Check(code.into()),
            Refusal::NotForMe => Cause::NotForMe(wire::Empty {}),
            Refusal::Offset(offset) => Cause::Offset(offset.get()),
            Refusal::Phase => Cause::Phase(wire::Empty {}),
            Refusal::TooLong => Cause::TooLong(wire::Empty {}),
            Refusal::Storage => Cause::Storage(wire::Empty {}),
            Refusal::Malformed => Cause::Malformed(wire::Empty {}),
        };
        Self { refusal: Some(refusal) }
    }
}

impl TryFrom<&wire::Refusal> for Refusal {
    type Error = Error;

    fn try_from(refusal: &wire::Refusal) -> Result<Self, Error> {
        use wire::refusal::Refusal as Cause;
        Ok(match refusal.refusal.as_ref().ok_or(bad("refusal"))? {
            Cause::Check(code) => Self::Check(u8::try_from(*code).map_err(|_| bad("refusal.check"))?),
            Cause::NotForMe(wire::Empty {}) => Self::NotForMe,
            Cause::Offset(offset) => Self::Offset(length(*offset, "refusal.offset")?),
            Cause::Phase(wire::Empty {}) => Self::Phase,
            Cause::TooLong(wire::Empty {}) => Self::TooLong,
            Cause::Storage(wire::Empty {}) => Self::Storage,
            Cause::Malformed(wire::Empty {}) => Self::Malformed,
        })
    }
}

fn repo(number: i32) -> Result<Repo, Error> {
    let repository = wire::Repository::try_from(number).map_err(|_| bad("repository"))?;
    if repository == wire::Repository::Director {
        return Ok(Repo::Director);
    }
    let place = IMAGES.iter().position(|image| *image == repository);
    place.and_then(ImageNumber::new).map(Repo::Image).ok_or(bad("repository"))
}

/// The Image repositories, by their places.
const IMAGES: [wire::Repository; MAX_REPOSITORIES - 1] = [
    wire::Repository::Image,
    wire::Repository::Image2,
    wire::Repository::Image3,
    wire::Repository::Image4,
    wire::Repository::Image5,
    wire::Repository::Image6,
    wire::Repository::Image7,
];

fn verification(number: i32) -> Result<Verification, Error> {
    match wire::Verification::try_from(number) {
        Ok(wire::Verification::Full) => Ok(Verification::Full),
        Ok(wire::Verification::Partial) => Ok(Verification::Partial),
        Ok(wire::Verification::PartialPlus) => Ok(Verification::PartialPlus),
        Ok(wire::Verification::Unspecified) | Err(_) => Err(bad("identity.verification")),
    }
}

fn length(bytes: u64, field: &'static str) -> Result<Length, Error> {
    Length::new(bytes).map_err(|_| bad(field))
}

fn version(number: u64, field: &'static str) -> Result<Version, Error> {
    Version::new(number).map_err(|_| bad(field))
}

fn array<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| bad(field))
}

fn bad(field: &'static str) -> Error {
    Error::BadField { field }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn refused(request: wire::request::Request) -> Error {
        Request::try_from(&wire::Request { request: Some(request) }).unwrap_err()
    }

    #[test]
    fn an_empty_message_is_neither_request_nor_reply() {
        assert_eq!(Request::try_from(&wire::Request::default()), Err(bad("request")));
        assert_eq!(Reply::try_from(&wire::Reply::default()), Err(bad("reply")));
    }

    #[test]
    fn ids_of_another_length_are_refused() {
        assert_eq!(refused(wire::request::Request::Begin(vec![0; 15])), bad("begin"));
        assert_eq!(refused(wire::request::Request::Report(vec![0; 17])), bad("report"));
    }

    #[test]
    fn an_offer_names_its_file_and_its_repository() {
        let offer = |file| refused(wire::request::Request::Offer(wire::Offer { file, length: 1 }));
        assert_eq!(offer(None), bad("offer.file"));
        assert_eq!(offer(Some(wire::File { file: None })), bad("file"));
        assert_eq!(offer(Some(wire::File { file: Some(wire::file::File::Targets(0)) })), bad("repository"));
        assert_eq!(offer(Some(wire::File { file: Some(wire::file::File::Targets(9)) })), bad("repository"));
        assert_eq!(offer(Some(wire::File { file: Some(wire::file::File::Delegated(1)) })), bad("delegated"));
    }

    #[test]
    fn numbers_beyond_what_json_keeps_are_refused() {
        let chunk = wire::Chunk { offset: u64::MAX, data: vec![] };
        assert_eq!(refused(wire::request::Request::Chunk(chunk)), bad("chunk.offset"));
    }

    #[test]
    fn a_check_code_is_one_byte() {
        let refusal = wire::Refusal { refusal: Some(wire::refusal::Refusal::Check(256)) };
        assert_eq!(Refusal::try_from(&refusal), Err(bad("refusal.check")));
    }
}
