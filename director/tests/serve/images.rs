//! An Image repository in memory, behind a small HTTP server of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uptane::sign::{
    FileInfo, ImageEntry, KeySet, Matching, MemorySigner, RootBuilder, RootRoles, Signer as _, SnapshotBuilder,
    TargetsBuilder, TimestampBuilder,
};
use uptane::{HardwareId, Hashes, ImageLine, Length, ReleaseCounter, TargetName, Time, Version};

/// How long every image is said to be. Nobody here has its bytes.
pub(crate) const IMAGE_LENGTH: u64 = 4_096;

pub(crate) struct ImageRepository {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    address: SocketAddr,
    version: u64,
}

pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) hardware: &'static str,
    pub(crate) release: u64,
}

impl ImageRepository {
    pub(crate) fn start(images: &[Listed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let files = Arc::new(Mutex::new(BTreeMap::new()));
        let served = files.clone();
        std::thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap(), &served)));
        let mut repository = Self { files, address, version: 0 };
        repository.put("1.root.json", root());
        repository.publish(images);
        repository
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next version of everything but Root, listing these images.
    pub(crate) fn publish(&mut self, images: &[Listed]) {
        self.version += 1;
        let (version, expires) = (Version::new(self.version).unwrap(), in_days(30));
        let mut targets = TargetsBuilder::image(version, expires);
        for image in images {
            targets = targets.list(entry(image)).unwrap();
        }
        let targets = targets.sign(&keys(2), &[&key(2)]).unwrap();
        let info = FileInfo::of(version, &targets).unwrap();
        let snapshot = SnapshotBuilder::image(version, expires, info).sign(&keys(3), &[&key(3)]).unwrap();
        let info = FileInfo::of(version, &snapshot).unwrap();
        let timestamp = TimestampBuilder::image(version, expires, info).sign(&keys(4), &[&key(4)]).unwrap();
        self.put(&format!("{version}.targets.json"), targets);
        self.put(&format!("{version}.snapshot.json"), snapshot);
        self.put("timestamp.json", timestamp);
    }

    fn put(&self, name: &str, file: Vec<u8>) {
        self.files.lock().unwrap().insert(format!("/metadata/{name}"), file);
    }
}

pub(crate) fn root() -> Vec<u8> {
    let roles = RootRoles { root: keys(1), targets: keys(2), snapshot: keys(3), timestamp: keys(4) };
    RootBuilder::image(Version::FIRST, in_days(300), in_days(0), roles).sign(&[&key(1)]).unwrap()
}

pub(crate) fn entry(image: &Listed) -> ImageEntry {
    let hardware = HardwareId::parse(image.hardware).unwrap();
    let line = ImageLine::parse("main").unwrap();
    let matching = Matching::new([hardware], line, ReleaseCounter::new(image.release).unwrap()).unwrap();
    let name = TargetName::parse(image.name).unwrap();
    ImageEntry::new(name, Length::new(IMAGE_LENGTH).unwrap(), Hashes::of(image.name.as_bytes()), &matching)
}

fn key(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&[seed; 32])
}

fn keys(seed: u8) -> KeySet {
    KeySet::new([key(seed).public_key()], 1).unwrap()
}

fn in_days(days: u64) -> Time {
    host::clock::now().saturating_add(Duration::from_secs(days * 86_400))
}

fn answer(mut stream: TcpStream, files: &Mutex<BTreeMap<String, Vec<u8>>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    // The headers end with an empty line; what they say does not matter here.
    lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match files.lock().unwrap().get(path) {
        Some(file) => ("200 OK", file.clone()),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok();
}
