//! The commands, one file each. Each takes what was parsed, and the time.

mod audit;
mod backup;
mod completions;
mod delegate;
mod delta;
mod doctor;
mod gc;
mod init;
mod key;
mod one_machine;
mod pull;
mod release;
mod root_draft;
mod show;
mod show_file;
mod show_folder;
mod signatures;
mod signer;
mod targets;
mod targets_catalogue;
mod targets_oci;
mod verify;

pub(crate) use audit::audit;
pub(crate) use backup::{backup, restore};
pub(crate) use completions::man;
pub(crate) use delta::{make as delta_make, publish as delta_publish, show as delta_show};
pub(crate) use doctor::doctor;
pub(crate) use gc::gc;
pub(crate) use init::init;
pub(crate) use one_machine::sign;
pub(crate) use pull::{discard, pull};
pub(crate) use release::publish;
pub(crate) use signer::{complete, delegate, key, root, show, targets};
pub(crate) use verify::verify;

#[cfg(test)]
mod tests;
