//! A PostgreSQL server of one's own: started in an empty folder, and gone with whoever started it.
//!
//! It listens on a socket in that folder alone, unless a setting says otherwise. A guard, a shell that waits at a pipe, stops it and removes the folder
//! when the pipe closes: at the drop of a [`Server`], and when the process ends in whatever way. PostgreSQL refuses to run
//! as root, so for root both run as the user that the Debian package makes.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// A running server. Its databases last as long as it does.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: String,
    guard: Child,
    databases: AtomicU32,
}

impl Server {
    /// Starts a server with `settings`, as `postgresql.conf` would have them: `("fsync", "on")`.
    ///
    /// # Errors
    /// PostgreSQL is not installed (the error names the package), or does not start.
    pub fn start(settings: &[(&str, &str)]) -> io::Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir()?.keep();
        if is_root()? {
            let (user, group) = (id("-u")?, id("-g")?);
            chown(&folder, Some(user), Some(group))?;
        }
        let cluster = folder.join("data");
        let mut make = unprivileged(&programs.join("initdb"))?;
        make.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--username", USER, "--pgdata"]);
        done(make.arg(&cluster).current_dir(&folder))?;
        let guard = guard(&programs, &folder, settings)?;
        let port = settings.iter().find(|(name, _)| *name == "port").map_or(PORT, |(_, port)| port).to_owned();
        let server = Self { programs, folder, port, guard, databases: AtomicU32::new(0) };
        server.wait()?;
        Ok(server)
    }

    /// Makes an empty database, and says its address.
    ///
    /// # Errors
    /// The server does not make it.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        done(self.client("createdb").arg(&name))?;
        Ok(format!("postgres:///{name}?host={}&port={}&user={USER}", self.folder.display(), self.port))
    }

    /// The folder of its socket, which is also that of everything else it has.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of PostgreSQL's own clients, told where the server is.
    pub fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env("PGHOST", &self.folder).env("PGPORT", &self.port).env("PGUSER", USER);
        command
    }

    fn wait(&self) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            if self.client("pg_isready").arg("--quiet").status()?.success() {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("PostgreSQL does not start: {log}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard ends by itself; nobody can be told that it could not be waited for.
        drop(self.guard.wait());
    }
}

/// Runs `postgres` until standard input closes, then stops it and removes the folder.
const GUARD: &str = r#"
folder=$1
shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
cd / && rm -rf "$folder"
"#;

fn guard(programs: &Path, folder: &Path, settings: &[(&str, &str)]) -> io::Result<Child> {
    let mut command = unprivileged(Path::new("sh"))?;
    command.args(["-c", GUARD, "guard"]).arg(folder).arg(programs.join("postgres"));
    command.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses="]);
    command.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    // Its own group: what interrupts the tests at a terminal must not keep it from cleaning up.
    command.process_group(0).current_dir(folder).stdin(Stdio::piped()).spawn()
}

/// Where PostgreSQL's programs are: the newest that Debian has installed.
fn programs() -> io::Result<PathBuf> {
    let missing = || io::Error::other("the Debian package postgresql is missing");
    let versions = fs::read_dir(INSTALLED).map_err(|_| missing())?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let number = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    folders.filter(|folder| folder.join("initdb").is_file()).max_by_key(number).ok_or_else(missing)
}

fn is_root() -> io::Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn id(kind: &str) -> io::Result<u32> {
    let output = done(Command::new("id").args([kind, OWNER]))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
}

fn unprivileged(program: &Path) -> io::Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups", "--"]).arg(program);
    Ok(command)
}

fn done(command: &mut Command) -> io::Result<Output> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?} failed: {said}")))
}

/// Where Debian puts the programs of every version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// The user that Debian's package makes.
const OWNER: &str = "postgres";
/// Who may do everything in the server's databases.
const USER: &str = "convoy";
/// What PostgreSQL calls its socket by, if no setting says otherwise.
const PORT: &str = "5432";
/// How often, and how long in between, a starting server is asked whether it is ready: a minute in all.
const ATTEMPTS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);
