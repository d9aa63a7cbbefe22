//! The repository as a service: it shows what is published, takes releases in, and renews what it signs before it expires.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::unfold;
use host::cli::print;
use host::health::Health;
use host::tls::{Clients, Identity, public_config, read_pem};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic::transport::Server;
use uptane::Time;

use crate::args::Serve;
use crate::collect::sweep::{Collected, Mode};
use crate::config::{Settings, Write};
use crate::error::Error;
use crate::publisher::Publisher;
use crate::store::{AnyStore, Store};
use crate::{expiry, grpc, http};

/// Serves until the process is asked to end. A folder without a database is a copy of what is published: it is only read.
pub(crate) async fn serve(args: &Serve) -> Result<(), Error> {
    if !args.repo.is_dir() {
        return Err(Error::NotARepository { path: args.repo.clone() });
    }
    let settings = Settings::open(&args.repo)?;
    let (objects, health) = (settings.objects()?, Health::default());
    if !settings.is_repository() {
        return match args.repo.join("published").is_dir() {
            true => http::serve(args, objects, health).await,
            false => Err(Error::NotARepository { path: args.repo.clone() }),
        };
    }
    let publisher = Arc::new(settings.publisher().await?);
    let alarm = Duration::from_secs(u64::from(settings.config.alarm_days.unwrap_or(ALARM_DAYS)) * DAY);
    let upkeep = Upkeep { publisher: publisher.clone(), health: health.clone(), alarm };
    // Before the first client is answered, what a crash cut short is made up for.
    upkeep.once(host::clock::now()).await;
    upkeep.mend().await;
    let writers = match &settings.config.write {
        Some(write) => Some(listen(&settings, write, publisher.clone()).await?),
        None => None,
    };
    let writing = async {
        match writers {
            Some(serving) => serving.await,
            None => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = http::serve(args, objects, health) => served,
        served = writing => served,
        () = upkeep.run() => Ok(()),
        () = upkeep.collect_daily() => Ok(()),
    };
    publisher.store().clone().close().await;
    served
}

/// Days before a file of people expires on which they hear of it, unless they say otherwise.
const ALARM_DAYS: u32 = 14;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// The write side, from now on until the process is asked to end.
async fn listen(
    settings: &Settings,
    write: &Write,
    publisher: Arc<Publisher<AnyStore>>,
) -> Result<impl Future<Output = Result<(), Error>> + use<>, Error> {
    let identity = Identity::open(&settings.path(&write.certificate), &settings.path(&write.key))?;
    let authority = write.client_authority.as_deref().map(|path| read_pem(&settings.path(path))).transpose()?;
    let clients = authority.as_deref().map_or(Clients::Unasked, Clients::Asked);
    let tls = public_config(&identity, clients)?;
    let service = grpc::service(publisher, Arc::new(settings.writers()?));
    let listener = host::serve::listen(write.listen).await?;
    let address = listener.local_addr().map_err(|source| host::Error::Listen { address: write.listen, source })?;
    print(format_args!("writers https://{address}"));
    Ok(async move {
        let accepted = host::serve::accept_tls(listener, tls);
        let connections = unfold(accepted, async |mut accepted| {
            let next = accepted.next().await?;
            Some((Ok::<_, std::io::Error>(next), accepted))
        });
        let server = Server::builder().max_concurrent_streams(MAX_STREAMS).add_service(service);
        let served = server.serve_with_incoming_shutdown(connections, host::serve::stopped()).await;
        served.map_err(|error| Error::Service { reason: error.to_string() })
    })
}

/// Uploads and releases at a time on one connection.
const MAX_STREAMS: u32 = 16;

/// What falls due in a repository, whoever publishes.
#[derive(Debug)]
struct Upkeep<S> {
    publisher: Arc<Publisher<S>>,
    health: Health,
    /// How long before a file expires that people must sign they are to hear of it.
    alarm: Duration,
}

impl<S: Store> Upkeep<S> {
    /// Renews, makes up for what was cut short, and warns; never ends.
    async fn run(&self) {
        let mut due = interval(EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            self.once(host::clock::now()).await;
        }
    }

    /// Puts back what was lost of the published tree while nobody looked.
    async fn mend(&self) {
        if let Err(error) = self.publisher.mend().await {
            tracing::error!("what is published cannot be looked at: {error}");
            self.health.ill("publication", error);
        }
    }

    /// Removes once a day what nobody needs any more; never ends.
    async fn collect_daily(&self) {
        let mut wait = AT_FIRST;
        loop {
            sleep(wait).await;
            wait = Duration::from_secs(DAY);
            match self.publisher.collect(Mode::Remove, host::clock::now()).await {
                Ok(collected) => tell(&collected),
                Err(error) => tracing::warn!("what nobody needs any more cannot be removed: {error}"),
            }
        }
    }

    /// Looks once. What fails stays as it is and is tried again.
    async fn once(&self, now: Time) {
        match self.publisher.publish(SERVICE, Vec::new(), now).await {
            Ok(_) => self.health.well("publication"),
            Err(error) => {
                tracing::error!("what the repository signs cannot be renewed: {error}");
                self.health.ill("publication", error);
            }
        }
        match self.publisher.store().head().await {
            Ok(head) => {
                self.health.well("database");
                self.warn(&expiry::of(&head, now));
            }
            Err(error) => self.health.ill("database", error),
        }
    }

    /// Tells of what expires. People must act on what they sign; a service that is well still serves.
    fn warn(&self, expiries: &[expiry::Expiry]) {
        for expiry in expiries {
            let days = u32::try_from(expiry.left().as_secs() / DAY).unwrap_or(u32::MAX);
            metrics::gauge!("image_repo_expiry_days", "role" => expiry.role.to_string()).set(days);
        }
        let due = expiries.iter().filter(|expiry| expiry.is_of_people() && expiry.left() < self.alarm);
        metrics::gauge!("image_repo_expiry_alarms").set(u32::try_from(due.clone().count()).unwrap_or(u32::MAX));
        for expiry in due {
            tracing::warn!(role = %expiry.role, "{expiry}: have it signed again");
        }
    }
}

fn tell(collected: &Collected) {
    let Collected { files, images, arrivals, bytes, missing } = collected;
    let (files, images, arrivals) = (files.len(), images.len(), arrivals.len());
    tracing::info!(files, images, arrivals, bytes, "removed what nobody needs any more");
    metrics::counter!("image_repo_collected_bytes_total").increment(*bytes);
    metrics::gauge!("image_repo_missing_images").set(u32::try_from(missing.len()).unwrap_or(u32::MAX));
    for name in missing {
        tracing::error!(name, "an image is listed, and its bytes are gone");
    }
}

/// How often to look whether something is due.
const EVERY: Duration = Duration::from_secs(30);
/// How long a service runs before it clears away: one that is started again every day does so too.
const AT_FIRST: Duration = Duration::from_secs(3_600);
/// Who publishes what the service renews by itself.
const SERVICE: &str = "service";
