//! Passphrases as a person or a script gives them: at a terminal, through a descriptor, on standard input.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../child/mod.rs"]
mod child;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use host::Error;
use host::keys::{KeyFile, Passphrase, PassphraseArgs};
use nix::sys::termios::{LocalFlags, tcgetattr};

/// A terminal, and the test in a process of its own that has it.
struct Terminal {
    master: File,
    shown: Arc<Mutex<String>>,
    child: Child,
}

impl Terminal {
    /// Starts the test again.
    fn start(test: &str) -> Self {
        let pair = nix::pty::openpty(None, None).unwrap();
        let mut command = child::command(&["setsid", "--ctty"], test);
        let child = command.stdin(pair.slave).stdout(Stdio::null()).spawn().expect("Debian has setsid in util-linux");
        // It keeps a copy of the terminal's other end, without which this one never ends.
        drop(command);
        let (master, shown) = (File::from(pair.master), Arc::new(Mutex::new(String::new())));
        let (mut reader, sink) = (master.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 256];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(bytes.get(..count).unwrap()));
            }
        });
        Self { master, shown, child }
    }

    /// Types a line once `prompt` stands there and the terminal shows nothing that is typed.
    fn answer(&mut self, prompt: &str, line: &str) {
        self.wait_until(|shown, hidden| shown.contains(prompt) && hidden);
        writeln!(self.master, "{line}").unwrap();
    }

    fn wait_until(&self, holds: impl Fn(&str, bool) -> bool) {
        for _ in 0..2_000 {
            let hidden = !tcgetattr(&self.master).unwrap().local_flags.contains(LocalFlags::ECHO);
            if holds(&self.shown.lock().unwrap(), hidden) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the terminal shows {:?}", self.shown.lock().unwrap());
    }

    /// What the terminal showed, once the test has held.
    fn end(mut self) -> String {
        assert!(self.child.wait().unwrap().success(), "{}", self.shown.lock().unwrap());
        self.shown.lock().unwrap().clone()
    }
}

/// Whether `passphrase` is the one of this text: what one of them locks, the other opens.
fn is(passphrase: &Passphrase, text: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    KeyFile::generate(&path, host::keys::Algorithm::Ed25519, passphrase).unwrap();
    KeyFile::open(&path, &Passphrase::first_line(text.as_bytes()).unwrap()).is_ok()
}

#[test]
fn a_passphrase_is_asked_for_at_the_terminal_which_does_not_show_it() {
    if child::is_child() {
        let read = PassphraseArgs::default().read_for("Passphrase of root.pem").unwrap();
        assert!(is(&read, "correct horse"));
        return;
    }
    let mut terminal = Terminal::start("a_passphrase_is_asked_for_at_the_terminal_which_does_not_show_it");
    terminal.answer("Passphrase of root.pem: ", "correct horse");
    let shown = terminal.end();
    assert!(!shown.contains("correct"), "{shown}");
}

#[test]
fn a_new_passphrase_is_asked_for_twice() {
    if child::is_child() {
        assert!(is(&PassphraseArgs::default().read_new("New passphrase").unwrap(), "correct horse"));
        return;
    }
    let mut terminal = Terminal::start("a_new_passphrase_is_asked_for_twice");
    terminal.answer("New passphrase: ", "correct horse");
    terminal.answer("New passphrase, again: ", "correct horse");
    terminal.end();
}

#[test]
fn a_new_passphrase_that_was_mistyped_is_refused() {
    if child::is_child() {
        let read = PassphraseArgs::default().read_new("New passphrase");
        assert!(matches!(read, Err(Error::PassphrasesDiffer)), "{read:?}");
        return;
    }
    let mut terminal = Terminal::start("a_new_passphrase_that_was_mistyped_is_refused");
    terminal.answer("New passphrase: ", "correct horse");
    terminal.answer("New passphrase, again: ", "correct house");
    terminal.end();
}

#[test]
fn whoever_interrupts_finds_the_terminal_as_it_was() {
    if child::is_child() {
        let before = tcgetattr(std::io::stdin()).unwrap();
        let read = PassphraseArgs::default().read_for("Passphrase");
        assert!(matches!(read, Err(Error::Interrupted)), "{read:?}");
        assert_eq!(tcgetattr(std::io::stdin()).unwrap(), before);
        return;
    }
    let mut terminal = Terminal::start("whoever_interrupts_finds_the_terminal_as_it_was");
    terminal.answer("Passphrase: ", "half a \u{3}");
    terminal.end();
}

#[test]
fn nobody_is_asked_when_standard_input_is_no_terminal() {
    if child::is_child() {
        let read = PassphraseArgs::default().read();
        assert!(matches!(read, Err(Error::NoPassphrase)), "{read:?}");
        return;
    }
    let test = "nobody_is_asked_when_standard_input_is_no_terminal";
    child::check(&child::command(&[], test).stdin(Stdio::null()).output().unwrap());
}

#[test]
fn the_variable_comes_before_a_question() {
    if child::is_child() {
        assert!(is(&PassphraseArgs::default().read().unwrap(), "of the variable"));
        return;
    }
    let mut command = child::command(&[], "the_variable_comes_before_a_question");
    child::check(
        &command.env(host::keys::PASSPHRASE_VARIABLE, "of the variable").stdin(Stdio::null()).output().unwrap(),
    );
}

#[test]
fn a_passphrase_comes_from_a_pipe_at_a_descriptor() {
    if child::is_child() {
        let args = PassphraseArgs { passphrase_fd: Some(7), ..PassphraseArgs::default() };
        assert!(is(&args.read().unwrap(), "piped"));
        return;
    }
    let shell = ["sh", "-c", "echo piped | \"$0\" \"$@\" 7<&0 0</dev/null"];
    let test = "a_passphrase_comes_from_a_pipe_at_a_descriptor";
    child::check(&child::command(&shell, test).output().unwrap());
}

#[test]
fn a_descriptor_that_is_not_open_is_named() {
    if child::is_child() {
        let args = PassphraseArgs { passphrase_fd: Some(77), ..PassphraseArgs::default() };
        assert!(matches!(args.read(), Err(Error::NoDescriptor { number: 77 })));
        return;
    }
    child::check(&child::command(&[], "a_descriptor_that_is_not_open_is_named").output().unwrap());
}

#[test]
fn of_standard_input_the_first_line_alone_is_taken() {
    if child::is_child() {
        let args = PassphraseArgs { passphrase_file: Some("-".into()), ..PassphraseArgs::default() };
        assert!(is(&args.read().unwrap(), "first"));
        assert!(is(&args.read().unwrap(), "second"));
        return;
    }
    let test = "of_standard_input_the_first_line_alone_is_taken";
    let mut child = child::command(&[], test).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"first\nsecond\n").unwrap();
    child::check(&child.wait_with_output().unwrap());
}
