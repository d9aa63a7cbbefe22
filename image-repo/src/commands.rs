//! The commands, one file each. Each takes what was parsed, and the time.

mod add;
mod completions;
mod delegate;
mod delta;
mod doctor;
mod init;
mod key;
mod publish;
mod pull;
mod root;
mod root_draft;
mod show;
mod show_file;
mod show_folder;
mod sign;
mod signatures;
mod signer;
mod targets;
mod targets_catalogue;
mod verify;

pub(crate) use completions::man;
pub(crate) use delta::{make as delta_make, publish as delta_publish, show as delta_show};
pub(crate) use doctor::doctor;
pub(crate) use init::init;
pub(crate) use publish::publish;
pub(crate) use pull::{discard, pull};
pub(crate) use sign::sign;
pub(crate) use signer::{complete, delegate, key, root, show, targets};
pub(crate) use verify::verify;

#[cfg(test)]
mod tests;
