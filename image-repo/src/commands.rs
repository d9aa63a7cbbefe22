//! The commands, one file each. Each takes what was parsed, and the time.

mod add;
mod delta;
mod init;
mod publish;
mod release;
mod root;
mod show;
mod sign;
mod verify;

pub(crate) use add::add;
pub(crate) use delta::{make as delta_make, publish as delta_publish, show as delta_show};
pub(crate) use init::init;
pub(crate) use publish::publish;
pub(crate) use release::publish as publish_release;
pub(crate) use root::{renew, rotate};
pub(crate) use show::show;
pub(crate) use sign::sign;
pub(crate) use verify::verify;

#[cfg(test)]
mod tests;
