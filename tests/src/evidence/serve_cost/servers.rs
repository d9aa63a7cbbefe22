//! The two servers, and what they have used.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use host::serve::processors;

use super::repository::{Repository, Trust};
use crate::programs::{self, Service};

/// A server of the published folder.
pub(super) trait Server {
    fn name(&self) -> &'static str;

    /// Without a slash at the end.
    fn url(&self) -> &str;

    /// Every process it has.
    fn processes(&self) -> Result<Vec<u32>>;

    /// Processor time that all of them have used, in user mode and in the kernel.
    fn cpu_seconds(&self) -> Result<f64> {
        self.processes()?.into_iter().map(cpu_seconds).sum()
    }
}

/// `image-repo serve`.
pub(super) struct Ours {
    service: Service,
}

impl Ours {
    pub(super) fn start(repository: &Repository, trust: &Trust) -> Result<Self> {
        let mut command = Command::new(programs::ours("image-repo")?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--repo"]).arg(&repository.folder);
        command.arg("--tls-certificate").arg(&trust.certificate).arg("--tls-key").arg(&trust.key);
        command.arg("--threads").arg(processors().to_string());
        Ok(Self { service: Service::start(&mut command)? })
    }

    /// The most memory it has had, in MiB.
    pub(super) fn peak_mebibytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.service.process()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        let kibibytes: u32 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(f64::from(kibibytes) / 1024.0)
    }
}

impl Server for Ours {
    fn name(&self) -> &'static str {
        "image-repo"
    }

    fn url(&self) -> &str {
        self.service.url()
    }

    fn processes(&self) -> Result<Vec<u32>> {
        Ok(vec![self.service.process()])
    }
}

/// Debian's nginx, set up to serve files well.
pub(super) struct Nginx {
    master: Child,
    url: String,
}

impl Nginx {
    pub(super) fn start(folder: &Path, repository: &Repository, trust: &Trust) -> Result<Self> {
        let prefix = folder.join("nginx");
        fs::create_dir(&prefix)?;
        // nginx cannot choose a port and say which: one that was free a moment ago must do.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = prefix.join("nginx.conf");
        fs::write(&file, configuration(&prefix, repository, trust, &address.to_string())?)?;
        let mut command = Command::new(PROGRAM);
        command.arg("-p").arg(&prefix).arg("-c").arg(&file).stdin(Stdio::null());
        let master = command.spawn().context("cannot start nginx")?;
        let mut nginx = Self { master, url: format!("https://{address}") };
        for _ in 0..PATIENCE {
            if TcpStream::connect(address).is_ok() {
                return Ok(nginx);
            }
            if let Some(status) = nginx.master.try_wait()? {
                bail!("nginx ended with {status}");
            }
            sleep(PAUSE);
        }
        bail!("nginx does not listen")
    }

    /// As it names itself.
    pub(super) fn version(&self) -> Result<String> {
        let said = Command::new(PROGRAM).arg("-V").output()?.stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        let lines: Vec<_> = said.lines().take(2).collect();
        Ok(lines.join(", "))
    }
}

impl Server for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn processes(&self) -> Result<Vec<u32>> {
        let master = self.master.id();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        let workers = workers.split_whitespace().map(|worker| Ok(worker.parse()?)).collect::<Result<Vec<u32>>>()?;
        if workers.len() < processors().get() {
            bail!("nginx has {} workers", workers.len());
        }
        Ok(std::iter::once(master).chain(workers).collect())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The shell's own `kill`: the master must end its workers, so it must not be killed outright.
        let _ = Command::new("sh").args(["-c", "kill \"$0\"", &self.master.id().to_string()]).status();
        let _ = self.master.wait();
    }
}

/// Each worker a processor; files by `sendfile` where TLS allows it, else in pieces as large as ours; in HTTP/2 frames twice
/// as large as it would make them itself, which makes them a fifth cheaper; TLS as it comes with Debian.
fn configuration(prefix: &Path, repository: &Repository, trust: &Trust, address: &str) -> Result<String> {
    let root: PathBuf = fs::canonicalize(repository.folder.join("published"))?;
    let (prefix, root) = (prefix.display(), root.display());
    let (certificate, key) = (trust.certificate.display(), trust.key.display());
    // Where it starts as root it would give that up, and could not read the folder any more.
    let user = if fs::metadata("/proc/self").is_ok_and(|this| is_root(&this)) { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"];
    let temporary = temporary.map(|kind| format!("    {kind}_temp_path {prefix}/{kind};\n")).concat();
    Ok(format!(
        "daemon off;\n{user}\nworker_processes {threads};\npid {prefix}/pid;\nerror_log stderr warn;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n    access_log off;\n    sendfile on;\n    tcp_nopush on;\n    tcp_nodelay on;\n{temporary}\
             \x20   output_buffers 2 256k;\n    http2_chunk_size 16k;\n    open_file_cache max=1000;\n    keepalive_requests 1000000;\n\
             \x20   types {{ application/json json; }}\n    default_type application/octet-stream;\n\
             \x20   gzip on;\n    gzip_types application/json;\n\
             \x20   server {{\n        listen {address} ssl http2;\n        root {root};\n\
             \x20       ssl_certificate {certificate};\n        ssl_certificate_key {key};\n\
             \x20       ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_session_cache shared:cache:1m;\n    }}\n}}\n",
        threads = processors(),
    ))
}

fn is_root(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == 0
}

/// Fields 14 and 15 of proc_pid_stat(5); those before them end with the name's bracket.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a process's name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| Ok(field.parse::<u32>()?));
    let ticks: u32 = ticks.sum::<Result<u32>>()?;
    Ok(f64::from(ticks) / TICKS)
}

/// USER_HZ: a second's ticks on every processor that Debian runs on.
const TICKS: f64 = 100.0;
const PROGRAM: &str = "/usr/sbin/nginx";
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: usize = 200;
