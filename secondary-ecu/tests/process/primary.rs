//! A Primary that does everything right, over any carrier.

use proto::secondary::{File, ImageNumber, Phase, Refusal, Reply, Repo as Which, Request};
use uptane::sign::CommandBuilder;
use uptane::testing::{Files, Repo};
use uptane::verify::MetadataFile;
use uptane::{Action, Length, Nonce, Sha256, TransactionId, Version};

use super::bundle::Bench;

/// What carries a request and brings the reply.
pub(super) trait Carrier {
    /// Calls `hear` with the reply.
    async fn ask<T>(&mut self, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> T) -> T;
}

pub(super) async fn identity(carrier: &mut impl Carrier) -> (Sha256, Phase) {
    let identity = carrier.ask(Request::Identify, |reply| match reply {
        Reply::Identity(identity) => (identity.running, identity.phase),
        other => panic!("{other:?}"),
    });
    identity.await
}

/// Stages, activates and commits the assigned image.
pub(super) async fn update(carrier: &mut impl Carrier, bench: &Bench, image: &[u8]) -> Result<(), Refusal> {
    let open = TransactionId([5; 16]);
    stage(carrier, bench, image, open).await?;
    send(carrier, File::Command, &order(bench, Action::Activate, open)).await?;
    assert_eq!(identity(carrier).await, (Sha256::of(image), Phase::Healthy(open)));
    send(carrier, File::Command, &order(bench, Action::Commit, open)).await?;
    assert_eq!(identity(carrier).await, (Sha256::of(image), Phase::Committed(open)));
    carrier.ask(Request::Report(Nonce([1; 16])), |reply| assert!(matches!(reply, Reply::Report(_)), "{reply:?}")).await;
    Ok(())
}

pub(super) async fn stage(
    carrier: &mut impl Carrier,
    bench: &Bench,
    image: &[u8],
    open: TransactionId,
) -> Result<(), Refusal> {
    let full = bench.full;
    done(carrier, Request::Begin(open)).await?;
    let nonce = carrier.ask(Request::TimeNonce, |reply| match reply {
        Reply::TimeNonce(nonce) => nonce,
        other => panic!("{other:?}"),
    });
    let time = bench.repo.time(bench.repo.now(), [nonce.await]);
    // The keys that attest it may be those of a new Root.
    if bench.follows_roots {
        roots(carrier, Which::Director, bench.repo.director()).await?;
    }
    send(carrier, File::Time, &time).await?;
    metadata(carrier, &bench.repo, full).await?;
    send(carrier, File::Image, image).await
}

async fn metadata(carrier: &mut impl Carrier, repo: &Repo, full: bool) -> Result<(), Refusal> {
    repository(carrier, Which::Director, repo.director(), full).await?;
    match full {
        true => repository(carrier, Which::Image(ImageNumber::FIRST), repo.image(), full).await,
        false => Ok(()),
    }
}

/// Every Root after the first.
async fn roots(carrier: &mut impl Carrier, which: Which, files: &Files) -> Result<(), Refusal> {
    for version in (2..).map_while(|version| Version::new(version).ok()) {
        let Some(root) = files.get(MetadataFile::Root(version)) else { break };
        send(carrier, File::Root(which, version), root).await?;
    }
    Ok(())
}

/// Everything of one repository that a Secondary needs, in the order of §5.4.4.2.
pub(super) async fn repository(
    carrier: &mut impl Carrier,
    which: Which,
    files: &Files,
    full: bool,
) -> Result<(), Refusal> {
    if full {
        roots(carrier, which, files).await?;
        send(carrier, File::Timestamp(which), files.timestamp()).await?;
        send(carrier, File::Snapshot(which), files.snapshot()).await?;
    }
    send(carrier, File::Targets(which), files.targets()).await
}

pub(super) fn order(bench: &Bench, action: Action, transaction: TransactionId) -> Vec<u8> {
    let (vehicle, ecu) = (bench.repo.vehicle(), bench.me().ecu);
    let targets = Sha256::of(bench.repo.director().targets());
    let primary = bench.repo.ecus().first().unwrap().signer();
    CommandBuilder { vehicle, ecu, action, transaction, targets }.sign(&primary).unwrap()
}

pub(super) async fn send(carrier: &mut impl Carrier, file: File, bytes: &[u8]) -> Result<(), Refusal> {
    let ready = carrier.ask(Request::Offer(file, length(bytes.len())), |reply| match reply {
        Reply::Ready(at, chunk) => Ok((usize::try_from(at.get()).unwrap(), usize::try_from(chunk).unwrap())),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    });
    let (mut at, chunk) = ready.await?;
    while at < bytes.len() {
        let piece = bytes.get(at..bytes.len().min(at + chunk)).unwrap();
        let taken = carrier.ask(Request::Chunk(length(at), piece), |reply| match reply {
            Reply::Taken(taken) => Ok(usize::try_from(taken.get()).unwrap()),
            Reply::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        });
        at = taken.await?;
    }
    done(carrier, Request::Close).await
}

pub(super) async fn done(carrier: &mut impl Carrier, request: Request<'_>) -> Result<(), Refusal> {
    let answer = carrier.ask(request, |reply| match reply {
        Reply::Done => Ok(()),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    });
    answer.await
}

fn length(bytes: usize) -> Length {
    Length::new(bytes.try_into().unwrap()).unwrap()
}
