//! The web server of a simulated repository: it serves what it was given, misbehaves where it was told to, and remembers
//! what it was asked for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How one file is served.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As it is.
    File(Vec<u8>),
    /// With this HTTP status and no file.
    Status(u16),
    /// Without end, until the client hangs up.
    Endless,
    /// As it is, after so long a pause.
    Late(Duration, Vec<u8>),
    /// Cut off: fewer bytes than the header says.
    CutOff(Vec<u8>),
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Answer>,
    requests: Vec<String>,
    closing: bool,
}

/// A server on a free port of this machine, until it is dropped.
pub struct Server {
    state: Arc<Mutex<State>>,
    address: String,
    thread: Option<thread::JoinHandle<()>>,
}

/// How much of an endless file is sent before it is taken that the client will never hang up.
const ENDLESS: usize = 256 * 1024 * 1024;

impl Server {
    /// Starts it.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let thread = Some(thread::spawn(move || serve(&listener, &shared)));
        Ok(Self { state, address, thread })
    }

    /// The address of a folder, with a slash at its end.
    pub fn url(&self, folder: &str) -> String {
        format!("http://{}/{folder}/", self.address)
    }

    /// Serves the file at `path`, counted from the top and not escaped.
    pub fn put(&self, path: &str, answer: Answer) {
        lock(&self.state).files.insert(path.to_owned(), answer);
    }

    /// Serves it no more.
    pub fn remove(&self, path: &str) {
        lock(&self.state).files.remove(path);
    }

    /// The file at `path`, if it is served as it is.
    ///
    /// # Errors
    /// It is not.
    pub fn file(&self, path: &str) -> Result<Vec<u8>> {
        match lock(&self.state).files.get(path) {
            Some(Answer::File(bytes)) => Ok(bytes.clone()),
            _ => Err(anyhow::anyhow!("{path} is not served")),
        }
    }

    /// What was asked for since the last call, as it was written in the requests.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).requests)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.state).closing = true;
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(&self.address);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &TcpListener, state: &Mutex<State>) {
    for stream in listener.incoming() {
        if lock(state).closing {
            return;
        }
        // A client that hangs up is no fault of the server.
        let _ = stream.map_err(anyhow::Error::from).and_then(|stream| answer(stream, state));
    }
}

/// Answers one request, and closes the connection as HTTP/1.0 does.
fn answer(mut stream: TcpStream, state: &Mutex<State>) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().context("no request")??;
    for line in lines.by_ref() {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).context("no path")?.trim_start_matches('/').to_owned();
    let answer = {
        let mut state = lock(state);
        state.requests.push(path.clone());
        state.files.get(&unescape(&path)).cloned()
    };
    match answer {
        Some(Answer::File(bytes)) => send(&mut stream, bytes.len(), &bytes),
        Some(Answer::Late(pause, bytes)) => {
            thread::sleep(pause);
            send(&mut stream, bytes.len(), &bytes)
        }
        Some(Answer::CutOff(bytes)) => send(&mut stream, bytes.len() + 1, &bytes),
        Some(Answer::Status(status)) => Ok(write!(stream, "HTTP/1.0 {status} Status\r\nContent-Length: 0\r\n\r\n")?),
        Some(Answer::Endless) => without_end(&mut stream),
        None => Ok(write!(stream, "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")?),
    }
}

fn send(stream: &mut TcpStream, length: usize, bytes: &[u8]) -> Result<()> {
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
    Ok(stream.write_all(bytes)?)
}

fn without_end(stream: &mut TcpStream) -> Result<()> {
    write!(stream, "HTTP/1.0 200 OK\r\n\r\n")?;
    let piece = [b' '; 64 * 1024];
    for _ in 0..ENDLESS / piece.len() {
        stream.write_all(&piece)?;
    }
    Ok(())
}

/// Undoes percent-encoding.
fn unescape(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_is_served() {
        assert_eq!(unescape("1...%2Frole%3f%C3%BC.json"), "1.../role?ü.json");
        assert_eq!(unescape("100%"), "100%");
    }
}
