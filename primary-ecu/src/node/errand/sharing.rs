//! An image that the Secondary may hear together with others: waiting for them, joining, hearing.

use host::disk::Bulk;
use proto::secondary::File;

use super::delivery::{Delivery, Failure, Sending};
use super::{Errand, Purpose, State};
use crate::node::Shared;

/// What an errand is told that waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "drivers must obey each of them")]
pub enum Call {
    /// The Secondary is brought the image by itself: nobody else is there.
    Alone,
    /// It is offered the image, and asked to take part in the broadcast of it.
    Together,
    /// It says that it has heard all of it.
    Complete,
    /// It takes no further part, and is brought the rest by itself.
    Dropped,
}

impl<D: Bulk + Clone> Errand<D> {
    /// What the Secondary takes together with others, if it gets that far.
    pub fn shared(&self) -> Option<&Shared> {
        match &self.purpose {
            Purpose::Stage(_, stage, _) => stage.shared.as_ref(),
            Purpose::Meet | Purpose::Report(_) | Purpose::Look(_) | Purpose::Command(_) => None,
        }
    }

    /// Goes on after [`Turn::Gather`](super::Turn::Gather) or [`Turn::Hear`](super::Turn::Hear). One that waits for neither
    /// is not disturbed.
    pub fn go_on(&mut self, call: Call) {
        let state = std::mem::replace(&mut self.state, State::Looking);
        let next = match (state, call) {
            (State::Gathering(delivery), call) => self.begin(delivery, call == Call::Together),
            (State::Sending(mut sending, after), call) => {
                sending.hear(call == Call::Complete);
                Ok(State::Sending(sending, after))
            }
            (state, _) => Ok(state),
        };
        self.state = next.unwrap_or_else(|failure| State::Over(Err(failure)));
    }

    /// Whether the Secondary is being asked to take part.
    pub fn is_joining(&self) -> bool {
        if let State::Sending(sending, _) = &self.state { sending.is_joining() } else { false }
    }

    /// Whether others are waited for before this file.
    pub(super) fn is_shared(&self, file: File) -> bool {
        file == File::Image && self.shared().is_some()
    }

    fn begin(&self, delivery: Delivery, together: bool) -> Result<State<D>, Failure> {
        let Purpose::Stage(_, _, disk) = &self.purpose else { return Ok(State::Looking) };
        let sending = Sending::of_disk(disk.clone(), delivery)?;
        let sending = if together { sending.with_others() } else { sending };
        // The image is the last file.
        Ok(State::Sending(Box::new(sending), [].into()))
    }
}
