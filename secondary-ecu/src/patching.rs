//! A patch on its way: of it and of the image in the home bank the new image is made, in the other bank.

use proto::delta::{Decoder, Expected, Failure, Images, Point};
use uptane::Error;
use uptane::verify::image::ImageCheck;

use crate::Fault;
use crate::flash::{Appender, Area, Flash, Store};

/// What makes an image of another one, but for the decoder, which is in the [scratch](crate::scratch) memory.
pub(crate) struct Patching {
    old: Area,
    appender: Appender,
    check: ImageCheck,
}

impl Patching {
    /// The old image is in `old`. What `appender` has behind it of the new one `check` has seen.
    pub(crate) fn new(old: Area, appender: Appender, check: ImageCheck) -> Self {
        Self { old, appender, check }
    }

    /// A decoder for the first byte of the patch. What is written of the new image is made again and not written again: the
    /// patch need not be the one it was made with.
    pub(crate) fn decoder(&self, expected: Expected) -> Result<Decoder, Fault> {
        Decoder::resume(expected, Point::START, self.written()).map_err(wrong)
    }

    /// Takes the next bytes of the patch, and writes what they make.
    pub(crate) fn take<F: Flash>(
        &mut self,
        decoder: &mut Decoder,
        store: &mut Store<F>,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let Self { old, appender, check } = self;
        let mut banks = Banks { store, old: *old, appender, check };
        decoder.feed(bytes, &mut banks).map_err(|failure| match failure {
            Failure::Patch(error) => wrong(error),
            Failure::Images(fault) => fault,
        })
    }

    /// Bytes of the new image that are in flash.
    pub(crate) fn written(&self) -> u32 {
        self.appender.written()
    }

    /// The patch is over: writes what waits for the rest of its write unit. The check has seen the new image.
    pub(crate) fn finish<F: Flash>(self, decoder: &Decoder, store: &mut Store<F>) -> Result<ImageCheck, Fault> {
        decoder.finish().map_err(wrong)?;
        self.appender.finish(store)?;
        Ok(self.check)
    }
}

/// Both banks of an ECU, as a decoder sees them.
struct Banks<'b, F> {
    store: &'b mut Store<F>,
    old: Area,
    appender: &'b mut Appender,
    check: &'b mut ImageCheck,
}

impl<F: Flash> Images for Banks<'_, F> {
    type Error = Fault;

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), Fault> {
        self.store.read(self.old, at, into)
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.check.update(bytes)?;
        self.appender.push(self.store, bytes)
    }
}

/// A patch of another image was not looked at any further. Any other one that is wrong makes no image that is listed.
fn wrong(error: proto::Error) -> Fault {
    match matches!(error, proto::Error::NotAPatch | proto::Error::PatchBase) {
        true => Fault::NotForMe,
        false => Fault::from(Error::ImageDigest),
    }
}
