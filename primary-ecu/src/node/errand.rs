//! What is done with one Secondary at a time: each errand is a few requests, may be repeated any number of times, and
//! ends in what was seen.

mod delivery;

use proto::secondary::{File, Identity, Phase, Refusal, Request};
use uptane::{Nonce, Sha256, TransactionId};

use crate::driver::transport::{Answer, Silent, Transport};
use crate::machine::transaction::Standing;

pub(crate) use delivery::{Delivery, Failure, Progress};
use delivery::{deliver, done, hand_over, unexpected};

/// Who are you, and which nonce must the next time attestation carry?
pub(crate) async fn meet(link: &mut impl Transport) -> Result<(Identity, Nonce), Failure> {
    let identity = identify(link).await?;
    let answer = link.ask(Request::TimeNonce).await?;
    let Answer::TimeNonce(nonce) = answer else { return Err(unexpected(answer)) };
    Ok((identity, nonce))
}

/// The signed report over this nonce.
pub(crate) async fn report(link: &mut impl Transport, nonce: Nonce) -> Result<Vec<u8>, Failure> {
    let answer = link.ask(Request::Report(nonce)).await?;
    let Answer::Report(report) = answer else { return Err(unexpected(answer)) };
    Ok(report)
}

/// Where the Secondary stands in `transaction`. With `committed`, the digest of the transaction's image once the decision
/// is made, a Secondary that forgot the transaction and runs that image has committed.
pub(crate) fn standing(identity: &Identity, transaction: TransactionId, committed: Option<Sha256>) -> Standing {
    match identity.phase {
        Phase::Staging(id) if id == transaction => Standing::Staging,
        Phase::Staged(id) if id == transaction => Standing::Staged,
        Phase::Trial(id) if id == transaction => Standing::Trial,
        Phase::Healthy(id) if id == transaction => Standing::Healthy,
        Phase::Committed(id) if id == transaction => Standing::Committed,
        Phase::RolledBack(id) if id == transaction => Standing::RolledBack,
        Phase::Idle if committed == Some(identity.running) => Standing::Committed,
        Phase::Idle
        | Phase::Staging(_)
        | Phase::Staged(_)
        | Phase::Trial(_)
        | Phase::Healthy(_)
        | Phase::Committed(_)
        | Phase::RolledBack(_) => Standing::Absent,
    }
}

/// Where the Secondary stands in `transaction`.
pub(crate) async fn look(link: &mut impl Transport, transaction: TransactionId) -> Result<Standing, Failure> {
    Ok(standing(&identify(link).await?, transaction, None))
}

/// Brings time, metadata and image, unless the Secondary has the image already. `files` says which files a Secondary of
/// that identity needs. One that does not take the time (it restarted, and wants another nonce) goes on with the latest
/// it knows.
pub(crate) async fn stage(
    link: &mut impl Transport,
    transaction: TransactionId,
    files: impl Fn(&Identity) -> Vec<Delivery>,
    progress: &mut impl FnMut(Progress),
) -> Result<Standing, Failure> {
    let identity = identify(link).await?;
    match standing(&identity, transaction, None) {
        Standing::Unknown | Standing::Absent => done(link, Request::Begin(transaction)).await?,
        Standing::Staging => {}
        past
        @ (Standing::Staged | Standing::Trial | Standing::Healthy | Standing::Committed | Standing::RolledBack) => {
            return Ok(past);
        }
    }
    for delivery in files(&identity) {
        match deliver(link, &delivery, progress).await {
            Err(Failure::Refused(_)) if delivery.file == File::Time => {}
            other => other?,
        }
    }
    look(link, transaction).await
}

/// Hands over a signed command where the Secondary stands at one of `due`, and looks where it stands afterwards.
pub(crate) async fn command(
    link: &mut impl Transport,
    transaction: TransactionId,
    committed: Option<Sha256>,
    command: &[u8],
    due: &[Standing],
) -> Result<Standing, Failure> {
    let stands = standing(&identify(link).await?, transaction, committed);
    if !due.contains(&stands) {
        return Ok(stands);
    }
    match hand_over(link, File::Command, command).await {
        // It restarted in between: what counts is where it stands now.
        Ok(()) | Err(Failure::Refused(Refusal::Phase)) => {}
        Err(failure) => return Err(failure),
    }
    Ok(standing(&identify(link).await?, transaction, committed))
}

async fn identify(link: &mut impl Transport) -> Result<Identity, Failure> {
    let answer = link.ask(Request::Identify).await?;
    let Answer::Identity(identity) = answer else { return Err(unexpected(answer)) };
    Ok(identity)
}

impl From<Silent> for Failure {
    fn from(silent: Silent) -> Self {
        Self::Silent(silent.0)
    }
}

#[cfg(test)]
mod tests;
