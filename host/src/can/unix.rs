//! A bus between processes of one machine: every node binds a datagram socket in the bus's folder, and sends each frame to
//! all the others. There is no hub, so nodes come and go in any order.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use proto::can::{Frame, MAX_DATAGRAM};
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use super::{Arrival, FramePort};
use crate::disk::{self, Access};
use crate::{Error, clock, random};

/// A node on the bus of a folder.
///
/// A frame reaches every node that joined before it was sent. A node that takes no frames holds a sender up for one second,
/// once; then it misses frames until it takes one again. The socket file of a node that died is removed by whoever sends to it first.
#[derive(Debug)]
pub struct UnixBus {
    folder: PathBuf,
    name: String,
    socket: UnixDatagram,
    peers: BTreeMap<String, Peer>,
    seen: Seen,
    /// Frames that arrived while this node was waiting to send.
    inbox: VecDeque<Frame>,
}

/// How long a node that takes no frames may hold a sender up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Another node.
#[derive(Debug)]
struct Peer {
    socket: UnixDatagram,
    /// It kept a sender waiting for too long, and is not waited for until it takes a frame again.
    is_stuck: bool,
}

/// The folder as it was when it was last read.
#[derive(Debug)]
enum Seen {
    Never,
    /// Changed at this file time, first noticed at this instant. A file time is as coarse as the kernel's tick, so for
    /// [`SETTLING`] after it a second change may hide behind the first.
    Settling(SystemTime, Instant),
    Settled(SystemTime),
}

impl UnixBus {
    /// Joins the bus of `folder`, which is made if it is not there. Must be called inside a runtime.
    pub fn join(folder: &Path) -> Result<Self, Error> {
        disk::create_folder(folder, Access::Private)?;
        let number = u32::from_be_bytes(random::bytes()?);
        let name = format!("{number:08x}.node");
        let path = folder.join(&name);
        let socket = UnixDatagram::bind(&path).map_err(|source| Error::io("join the bus at", &path, source))?;
        let (peers, inbox) = (BTreeMap::new(), VecDeque::new());
        let mut bus = Self { folder: folder.to_owned(), name, socket, peers, seen: Seen::Never, inbox };
        bus.look_around()?;
        Ok(bus)
    }

    /// Notices who joined and left, if anybody did since the last time.
    fn look_around(&mut self) -> Result<(), Error> {
        let failed = |source| Error::io("read the bus at", &self.folder, source);
        let changed = fs::metadata(&self.folder).and_then(|data| data.modified()).map_err(failed)?;
        let next = match self.seen {
            Seen::Settled(at) if at == changed => return Ok(()),
            Seen::Settling(at, since) if at == changed => match clock::stopwatch().duration_since(since) < SETTLING {
                true => Seen::Settling(at, since),
                false => Seen::Settled(at),
            },
            Seen::Never | Seen::Settling(..) | Seen::Settled(_) => Seen::Settling(changed, clock::stopwatch()),
        };
        self.meet()?;
        self.seen = next;
        Ok(())
    }

    /// Connects to every node in the folder that is new.
    fn meet(&mut self) -> Result<(), Error> {
        let failed = |source| Error::io("read the bus at", &self.folder, source);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let Ok(name) = entry.map_err(failed)?.file_name().into_string() else { continue };
            if name == self.name || self.peers.contains_key(&name) || !name.ends_with(".node") {
                continue;
            }
            // A socket of our own for each peer: only a connected one can wait until its peer takes more.
            let path = self.folder.join(&name);
            let socket = UnixDatagram::unbound().map_err(|source| Error::io("send to", &path, source))?;
            match socket.connect(&path) {
                Ok(()) => drop(self.peers.insert(name, Peer { socket, is_stuck: false })),
                Err(error) if is_gone(&error) => forget(&path),
                Err(source) => return Err(Error::io("send to", &path, source)),
            }
        }
        Ok(())
    }

    /// Waits until `peer` takes the datagram, taking in what others send meanwhile: two nodes that wait for each other must
    /// not wait for ever.
    async fn wait_for(
        peer: &UnixDatagram,
        socket: &UnixDatagram,
        inbox: &mut VecDeque<Frame>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let sent = peer.send(bytes);
        tokio::pin!(sent);
        let mut datagram = [0; MAX_DATAGRAM];
        loop {
            tokio::select! {
                biased;
                done = &mut sent => return done.map(drop),
                arrived = socket.recv(&mut datagram), if inbox.len() < MAX_INBOX => {
                    let frame = datagram.get(..arrived?).and_then(|bytes| Frame::decode(bytes).ok());
                    inbox.extend(frame);
                }
            }
        }
    }
}

impl FramePort for UnixBus {
    async fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        self.look_around()?;
        let mut datagram = [0; MAX_DATAGRAM];
        let bytes = frame.encode(&mut datagram);
        let mut gone = Vec::new();
        for (name, peer) in &mut self.peers {
            let sent = match peer.socket.try_send(bytes) {
                // Like a node that is not listening, it misses the frame.
                Err(error) if error.kind() == ErrorKind::WouldBlock && peer.is_stuck => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let waiting = Self::wait_for(&peer.socket, &self.socket, &mut self.inbox, bytes);
                    let waited = timeout(PATIENCE, waiting).await;
                    peer.is_stuck = waited.is_err();
                    waited.unwrap_or(Ok(()))
                }
                done => {
                    peer.is_stuck = false;
                    done.map(drop)
                }
            };
            match sent {
                Ok(()) => {}
                Err(error) if is_gone(&error) => gone.push(name.clone()),
                Err(source) => return Err(Error::io("send to", &self.folder.join(name), source)),
            }
        }
        for name in gone {
            self.peers.remove(&name);
            forget(&self.folder.join(name));
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Arrival, Error> {
        let mut datagram = [0; MAX_DATAGRAM];
        loop {
            if let Some(frame) = self.inbox.pop_front() {
                return Ok(Arrival::Frame(frame));
            }
            let failed = |source| Error::io("receive at", &self.folder, source);
            let count = self.socket.recv(&mut datagram).await.map_err(failed)?;
            // What is no frame did not come from a node of ours.
            self.inbox.extend(datagram.get(..count).and_then(|bytes| Frame::decode(bytes).ok()));
        }
    }
}

impl Drop for UnixBus {
    fn drop(&mut self) {
        forget(&self.folder.join(&self.name));
    }
}

/// Longest time between two ticks of a file system's clock, twice.
const SETTLING: Duration = Duration::from_millis(20);
/// Frames kept while waiting to send. When it is full, those who send to this node wait.
const MAX_INBOX: usize = 4096;

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::NotFound | ErrorKind::NotConnected
    )
}

/// Removes the socket file of a node that is gone. Another node may have done so already; that is as good.
fn forget(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests;
