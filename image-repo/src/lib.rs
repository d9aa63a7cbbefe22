//! The Image repository: images, the metadata that says what they are, and a server that needs no secrets.
//!
//! Images come in (`targets add`), Targets is signed offline (`sign`), and what is signed becomes visible in one step
//! (`publish`). Decisions are made in [`plan`] from [`facts`]; [`make`] signs them, [`store`] keeps them, `repo` puts them in
//! front of clients. [`delta`] makes patches between images. What is published is the layout of TUF with consistent snapshots, which any static server can serve.
#![forbid(unsafe_code)]

mod args;
mod backup;
mod collect;
mod commands;
mod config;
pub mod delta;
mod driver;
mod error;
pub mod expiry;
pub mod facts;
pub mod grpc;
mod http;
mod judge;
mod keyring;
pub mod make;
pub mod objects;
pub mod online;
pub mod plan;
pub mod publisher;
pub mod release;
pub mod role;
pub mod staged;
pub mod store;
mod withdraw;
pub mod writers;

use std::ffi::OsString;
use std::process::ExitCode;

use args::{Action, Command, Delta, Release};
use host::{cli, clock, logs, serve};

pub use error::Error;

/// Runs one command line, with the program's name first, and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match cli::parse::<Command>(args) {
        Ok(command) => cli::finish(execute(&command)),
        Err(code) => code,
    }
}

fn execute(command: &Command) -> Result<(), Error> {
    logs::init(command.verbose, false);
    let now = clock::now();
    let runtime = match &command.action {
        Action::Serve(args) => serve::runtime_of(args.threads.unwrap_or_else(serve::processors)),
        Action::Audit(_)
        | Action::Backup(_)
        | Action::Completions(_)
        | Action::Delegate(_)
        | Action::Delta(_)
        | Action::Discard(_)
        | Action::Doctor(_)
        | Action::Gc(_)
        | Action::Init(_)
        | Action::Key(_)
        | Action::Man(_)
        | Action::Publish(_)
        | Action::Pull(_)
        | Action::Release(_)
        | Action::Restore(_)
        | Action::Root(_)
        | Action::Show(_)
        | Action::Sign(_)
        | Action::Targets(_)
        | Action::Verify(_) => serve::runtime(),
    };
    runtime?.block_on(async {
        match &command.action {
            Action::Init(args) => commands::init(args, now).await,
            Action::Key(action) => commands::key(action),
            Action::Targets(action) => commands::targets(action, now),
            Action::Delegate(action) => commands::delegate(action, now),
            Action::Pull(args) => commands::pull(args, now),
            Action::Discard(args) => commands::discard(args, now),
            Action::Doctor(args) => commands::doctor(args, now),
            Action::Gc(args) => commands::gc(args, now).await,
            Action::Audit(action) => commands::audit(action).await,
            Action::Backup(args) => commands::backup(args, now).await,
            Action::Restore(args) => commands::restore(args, now).await,
            Action::Completions(args) => commands::complete(args),
            Action::Man(args) => commands::man(args),
            Action::Sign(args) => commands::sign(args, now),
            Action::Publish(args) | Action::Release(Release::Publish(args)) => commands::publish(args, now).await,
            Action::Show(args) => commands::show(args, now).await,
            Action::Verify(args) => commands::verify(args, now).await,
            Action::Serve(args) => driver::serve(args).await,
            Action::Root(action) => commands::root(action, now).await,
            Action::Delta(Delta::Make(args)) => commands::delta_make(args),
            Action::Delta(Delta::Publish(args)) => commands::delta_publish(args).await,
            Action::Delta(Delta::Show(args)) => commands::delta_show(args),
        }
    })
}
