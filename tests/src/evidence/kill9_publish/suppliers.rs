//! Suppliers that publish without pause, each in a thread of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use image_repo::grpc::client::{Client, Credentials};
use image_repo::role::RoleId;
use uptane::RoleName;

use crate::guest::chance::Chance;
use crate::oem::{self, Firmware};

/// Their roles, which are their names and tokens too.
pub(super) const SUPPLIERS: [&str; 4] = ["acme", "bolt", "crank", "dyno"];
/// How long a supplier waits when nobody answers.
const PAUSE: Duration = Duration::from_millis(20);
/// Images a supplier lists: the newest, so that its file stays short.
const LISTED: usize = 8;

/// Where the instances listen for writers at the moment.
#[derive(Debug)]
pub(super) struct Instances(Mutex<Vec<String>>);

impl Instances {
    pub(super) fn new(urls: Vec<String>) -> Self {
        Self(Mutex::new(urls))
    }

    /// An instance listens elsewhere now.
    pub(super) fn moved(&self, instance: usize, url: &str) {
        let mut urls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = urls.get_mut(instance) {
            url.clone_into(place);
        }
    }

    fn any(&self, chance: &mut Chance) -> Result<String> {
        let urls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(chance.next() >> 1)? % urls.len().max(1);
        urls.get(place).cloned().context("no instance")
    }
}

/// The name of the image that a supplier's release of this version adds.
pub(super) fn image_name(supplier: &str, version: u64) -> String {
    format!("{supplier}/fw-{version}.bin")
}

/// What they share with whoever watches them.
#[derive(Debug, Default)]
struct Watched {
    stop: AtomicBool,
    again: AtomicUsize,
    acknowledged: [AtomicU64; SUPPLIERS.len()],
}

/// The suppliers at work.
pub(super) struct Suppliers {
    watched: Arc<Watched>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Suppliers {
    pub(super) fn start(instances: &Arc<Instances>, authority: &str, seed: u64) -> Result<Self> {
        let watched = Arc::new(Watched::default());
        let mut threads = Vec::new();
        for (number, name) in SUPPLIERS.into_iter().enumerate() {
            let chance = Chance(seed ^ u64::try_from(number)?.wrapping_mul(0x1234_5678_9abc_def1));
            let credentials =
                Credentials { authority: authority.to_owned(), identity: None, token: Some(name.to_owned()) };
            let supplier = Supplier {
                name,
                number,
                role: RoleId::Delegated(RoleName::parse(name)?),
                credentials,
                instances: instances.clone(),
                watched: watched.clone(),
                chance,
                images: Vec::new(),
            };
            threads.push(thread::spawn(move || supplier.work()));
        }
        Ok(Self { watched, threads })
    }

    /// The newest version of each supplier's file that was acknowledged.
    pub(super) fn acknowledged(&self) -> [u64; SUPPLIERS.len()] {
        self.watched.acknowledged.each_ref().map(|version| version.load(Ordering::SeqCst))
    }

    /// Stops them. How many releases were acknowledged, and how many had to be sent again.
    pub(super) fn stop(self) -> Result<(usize, usize)> {
        self.watched.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a supplier panicked"))??;
        }
        let acknowledged = self.watched.acknowledged.each_ref().map(|version| version.load(Ordering::SeqCst));
        Ok((usize::try_from(acknowledged.iter().sum::<u64>())?, self.watched.again.load(Ordering::SeqCst)))
    }
}

struct Supplier {
    name: &'static str,
    number: usize,
    role: RoleId,
    credentials: Credentials,
    instances: Arc<Instances>,
    watched: Arc<Watched>,
    chance: Chance,
    images: Vec<Firmware>,
}

impl Supplier {
    fn work(mut self) -> Result<()> {
        let runtime = host::serve::runtime()?;
        for version in 1_u64.. {
            let (image, file) = self.release(version)?;
            let mut attempts = 0;
            while let Err(error) = runtime.block_on(self.publish(&image, &file)) {
                // What is refused stays refused; whoever cannot be reached may be reached later.
                if is_refusal(&error) {
                    return Err(error.context(format!("{} {version}", self.name)));
                }
                if self.is_over() {
                    return Ok(());
                }
                attempts += 1;
                thread::sleep(PAUSE);
            }
            self.watched.again.fetch_add(attempts, Ordering::SeqCst);
            self.acknowledge(version);
            if self.is_over() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.watched.stop.load(Ordering::SeqCst)
    }

    fn acknowledge(&self, version: u64) {
        if let Some(newest) = self.watched.acknowledged.get(self.number) {
            newest.store(version, Ordering::SeqCst);
        }
    }

    /// The next release: the newest images and one more.
    fn release(&mut self, version: u64) -> Result<(Firmware, Vec<u8>)> {
        let bytes = Chance(self.chance.next()).bytes(2_048);
        let image =
            Firmware { name: image_name(self.name, version), bytes, hardware: self.name.to_owned(), release: version };
        self.images.push(image.clone());
        if self.images.len() > LISTED {
            self.images.remove(0);
        }
        let file = oem::listing(version, &self.images)?.sign(&oem::keys(self.name)?, &[&oem::signer(self.name)])?;
        Ok((image, file))
    }

    async fn publish(&mut self, image: &Firmware, file: &[u8]) -> Result<()> {
        let url = self.instances.any(&mut self.chance)?;
        let mut client = Client::connect(&url, &self.credentials).await?;
        oem::publish(&mut client, self.role, file.to_vec(), &[image]).await
    }
}

fn is_refusal(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(image_repo::Error::RemoteRefused { .. }))
}
