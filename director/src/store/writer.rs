//! One task that writes: it takes the changes that wait, commits them together with one flush to disk, and only then
//! answers. Each change is a savepoint of its own, so one that conflicts takes no other down.

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use super::changes;
use super::statements::write;
use crate::Error;
use crate::facts::Change;

/// A handle to the task; it ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::Sender<Waiting>);

struct Waiting {
    change: Change,
    done: oneshot::Sender<Result<(), Error>>,
}

impl Writer {
    /// Brings the schema up to date and starts the task.
    pub(super) async fn start(options: &SqliteConnectOptions, migrations: &Migrator) -> Result<Self, Error> {
        let mut connection = options.connect().await?;
        migrations.run(&mut connection).await?;
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        tokio::spawn(run(connection, receiver));
        Ok(Self(sender))
    }

    /// Hands over a change and waits until it is on disk.
    pub(super) async fn apply(&self, change: Change) -> Result<(), Error> {
        let (done, outcome) = oneshot::channel();
        self.0.send(Waiting { change, done }).await.map_err(|_| Error::StoreClosed)?;
        outcome.await.map_err(|_| Error::StoreClosed)?
    }
}

async fn run(mut connection: SqliteConnection, mut receiver: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while receiver.recv_many(&mut group, MAX_GROUP).await > 0 {
        commit(&mut connection, &mut group).await;
    }
    // Nobody is left to tell; what was reported as done is on disk already.
    drop(connection.close().await);
}

/// Commits the group and answers everyone in it.
async fn commit(connection: &mut SqliteConnection, group: &mut Vec<Waiting>) {
    let (changes, waiting): (Vec<_>, Vec<_>) = group.drain(..).map(|w| (w.change, w.done)).unzip();
    match apply_all(connection, changes).await {
        Ok(outcomes) => waiting.into_iter().zip(outcomes).for_each(|(done, outcome)| drop(done.send(outcome))),
        Err(error) => {
            // The group is undone as a whole. A failure here shows up again at the next BEGIN.
            drop(write("ROLLBACK").execute(&mut *connection).await);
            let reason = error.to_string();
            waiting.into_iter().for_each(|done| drop(done.send(Err(Error::Storage { reason: reason.clone() }))));
        }
    }
}

async fn apply_all(connection: &mut SqliteConnection, changes: Vec<Change>) -> Result<Vec<Result<(), Error>>, Error> {
    write("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        write("SAVEPOINT change").execute(&mut *connection).await?;
        let outcome = changes::apply(connection, change).await;
        if outcome.is_err() {
            write("ROLLBACK TO change").execute(&mut *connection).await?;
        }
        write("RELEASE change").execute(&mut *connection).await?;
        outcomes.push(outcome);
    }
    write("COMMIT").execute(&mut *connection).await?;
    Ok(outcomes)
}

/// Changes that may wait; beyond it, those who bring more wait as well.
const MAX_WAITING: usize = 1_024;
/// Changes in one commit.
const MAX_GROUP: usize = 256;
