//! Full verification over gRPC.

use std::path::Path;

use host::provisioning::{Banks, ENROLMENT, Enrolment};
use proto::grpc::secondary as wire;
use proto::secondary::{File, ImageNumber, Phase, Refusal, Reply, Repo, Request};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use uptane::{Action, Role, Sha256, TransactionId};
use wire::secondary_client::SecondaryClient;

use super::bundle::Bench;
use super::primary::{Carrier, identity, order, repository, send, stage, update};
use super::process::{Running, command};

struct Grpc(SecondaryClient<Channel>);

impl Grpc {
    async fn connect(bench: &Bench, place: &str) -> Self {
        let identity = Identity::from_pem(bench.primary.certificate(), bench.primary.key());
        let name = host::tls::server_name(bench.repo.vehicle(), bench.me().ecu);
        let authority = Certificate::from_pem(&bench.authority);
        let tls = ClientTlsConfig::new().ca_certificate(authority).identity(identity).domain_name(name);
        let endpoint = Endpoint::from_shared(place.to_owned()).unwrap().tls_config(tls).unwrap();
        Self(SecondaryClient::new(endpoint.connect().await.unwrap()))
    }
}

impl Carrier for Grpc {
    async fn ask<T>(&mut self, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> T) -> T {
        let reply = self.0.ask(wire::Request::from(request)).await.unwrap().into_inner();
        hear(Reply::try_from(&reply).unwrap())
    }
}

/// The failed check.
fn name(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Check(code) => uptane::Error::name_of(code),
        other => panic!("{other:?}"),
    }
}

fn run(bench: &Bench) -> Running {
    Running::start(&["run", "--data", bench.data(), "--listen", "127.0.0.1:0"])
}

fn status(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&command(&["status", "--data", bench.data(), "--json"]).unwrap()).unwrap()
}

#[test]
fn an_update_with_full_verification_goes_through() {
    let mut bench = Bench::new("full");
    bench.repo.publish(|next| next.release());
    let image = bench.me().image(2);
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        update(&mut primary, &bench, &image).await.unwrap();
    });
    let status = status(&bench);
    assert_eq!(status["phase"], "committed");
    assert_eq!(status["running"]["sha256"], Sha256::of(&image).to_string());
    assert_eq!(status["running"]["release_counter"], 2);
}

#[test]
fn a_single_bank_is_written_after_the_activation() {
    let mut bench = Bench::single("full");
    let ecu = bench.me();
    bench.repo.publish(|next| {
        next.release();
        let path = ["targets", &ecu.image_name(2), "custom", "uptane", "ecus", ecu.ecu.as_str(), "fallback"];
        next.director.set(Role::Targets, &path, format!("\"{}\"", ecu.image_name(1)));
    });
    let (image, open) = (ecu.image(2), TransactionId([9; 16]));
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        stage(&mut primary, &bench, &image, open).await.unwrap();
        assert_eq!(identity(&mut primary).await, (Sha256::of(&ecu.image(1)), Phase::Staged(open)));
        send(&mut primary, File::Command, &order(&bench, Action::Activate, open)).await.unwrap();
        drop(running);
        assert_eq!(status(&bench)["running"], serde_json::Value::Null);
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        assert_eq!(identity(&mut primary).await, (Sha256([0; 32]), Phase::Trial(open)));
        send(&mut primary, File::Image, &image).await.unwrap();
        assert_eq!(identity(&mut primary).await, (Sha256::of(&image), Phase::Healthy(open)));
    });
    assert_eq!(status(&bench)["banks"], "single");
    let enrolment = Enrolment::read(&Path::new(bench.data()).join(ENROLMENT)).unwrap();
    assert_eq!(enrolment.banks, Banks::Single);
}

#[test]
fn what_is_staged_survives_a_kill() {
    let mut bench = Bench::new("full");
    bench.repo.publish(|next| next.release());
    let (image, open) = (bench.me().image(2), TransactionId([9; 16]));
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        stage(&mut Grpc::connect(&bench, &running.place).await, &bench, &image, open).await.unwrap();
        drop(running);
        let running = run(&bench);
        let found = identity(&mut Grpc::connect(&bench, &running.place).await).await;
        assert_eq!(found, (Sha256::of(&bench.me().image(1)), Phase::Staged(open)));
    });
}

#[test]
fn the_same_metadata_again_changes_nothing() {
    let mut bench = Bench::new("full");
    bench.repo.publish(|next| next.release());
    let (image, open) = (bench.me().image(2), TransactionId([9; 16]));
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        for _ in 0..2 {
            stage(&mut primary, &bench, &image, open).await.unwrap();
        }
        assert_eq!(identity(&mut primary).await.1, Phase::Staged(open));
    });
}

#[test]
fn an_older_set_of_metadata_is_refused() {
    let mut bench = Bench::new("full");
    let old = bench.repo.clone();
    bench.repo.publish(|next| next.release());
    let (image, open) = (bench.me().image(2), TransactionId([9; 16]));
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        stage(&mut primary, &bench, &image, open).await.unwrap();
        bench.repo = old;
        let refused = stage(&mut primary, &bench, &image, open).await.unwrap_err();
        assert_eq!(name(refused), Some("rollback"));
    });
}

#[test]
fn an_image_that_the_director_alone_names_is_refused() {
    let mut bench = Bench::new("full");
    let old = bench.repo.clone();
    bench.repo.publish(|next| next.release());
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        repository(&mut primary, Repo::Director, bench.repo.director(), true).await.unwrap();
        let refused = repository(&mut primary, Repo::Image(ImageNumber::FIRST), old.image(), true).await.unwrap_err();
        assert_eq!(name(refused), Some("not-in-image-repository"));
    });
}

#[test]
fn keys_rotate_in_both_repositories() {
    let mut bench = Bench::new("full");
    let (first, open) = (bench.me().image(1), TransactionId([9; 16]));
    host::serve::runtime().unwrap().block_on(async {
        let running = run(&bench);
        let mut primary = Grpc::connect(&bench, &running.place).await;
        stage(&mut primary, &bench, &first, open).await.unwrap();
        bench.repo.publish(|next| {
            next.release();
            for role in [Role::Root, Role::Time, Role::Timestamp, Role::Snapshot, Role::Targets] {
                next.director.rotate(role);
            }
            next.image.rotate(Role::Timestamp);
        });
        let second = bench.me().image(2);
        update(&mut primary, &bench, &second).await.unwrap();
        drop(running);
        let running = run(&bench);
        assert_eq!(identity(&mut Grpc::connect(&bench, &running.place).await).await.0, Sha256::of(&second));
    });
}
