//! A patch on its way: of it and of the image in the home bank the new image is made, in the other bank.

use proto::delta::{Failure, Images};
use uptane::Error;

use crate::Fault;
use crate::flash::{Appender, Area, Flash, Store};

/// Both banks of an ECU, as a decoder sees them.
pub(crate) struct Banks<'b, F> {
    pub(crate) store: &'b mut Store<F>,
    /// The old image.
    pub(crate) old: Area,
    /// Behind what is written of the new one.
    pub(crate) new: &'b mut Appender,
}

impl<F: Flash> Images for Banks<'_, F> {
    type Error = Fault;

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), Fault> {
        self.store.read(self.old, at, into)
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.new.push(self.store, bytes)
    }
}

/// Why a patch was not taken.
pub(crate) fn failed(failure: Failure<Fault>) -> Fault {
    match failure {
        Failure::Patch(error) => wrong(error),
        Failure::Images(fault) => fault,
    }
}

/// A patch of another image was not looked at any further. Any other one that is wrong makes no image that is listed.
pub(crate) fn wrong(error: proto::Error) -> Fault {
    match matches!(error, proto::Error::NotAPatch | proto::Error::PatchBase) {
        true => Fault::NotForMe,
        false => Fault::from(Error::ImageDigest),
    }
}
