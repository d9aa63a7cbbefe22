//! What Director Targets say to one ECU, picked out while they stream by.

use super::ecus::Ecus;
use crate::json::{Event, Span, Step};
use crate::metadata::{EcuEntry, EcuReader, Header, Heard, Listener, TargetHead, TargetsReader};
use crate::verify::image::ListedImage;
use crate::verify::stream::Body;
use crate::{EcuId, Error, HardwareId, TargetName, told};

/// Reads Director Targets.
pub(super) struct Reader<'c> {
    targets: TargetsReader,
    ecus: Ecus,
    pick: &'c mut Pick,
}

impl<'c> Reader<'c> {
    #[inline(never)]
    pub(super) fn new(pick: &'c mut Pick) -> Self {
        Self { targets: TargetsReader::new(), ecus: Ecus::new(), pick }
    }

    pub(super) fn finish(&mut self) -> Said {
        Said { header: self.targets.finish(), delegates: self.targets.delegates() }
    }
}

impl Body for Reader<'_> {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error> {
        let Self { targets, ecus, pick } = self;
        targets.event(steps, event, span, &mut Picking { ecus, pick })
    }
}

/// What a file says of itself.
pub(super) struct Said {
    pub(super) header: Result<Header, Error>,
    pub(super) delegates: bool,
}

/// What concerns one ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) own: EcuId,
    pub(super) hardware_id: HardwareId,
    /// Of the image that is streaming by: whether it names ECUs, this one among them, and is for its hardware.
    pub(super) names_ecus: bool,
    pub(super) names_own: bool,
    pub(super) runs_here: bool,
    /// What is said to this ECU. A file that says something again names it twice, and has lost already.
    pub(super) entry: Option<EcuEntry>,
    /// The image that names it, and whether that is for its hardware.
    pub(super) chosen: Option<(ListedImage, bool)>,
    /// The first thing the Director may not say. It is told when its turn has come.
    pub(super) fault: Option<Error>,
}

impl Pick {
    #[inline(never)]
    pub(super) fn new(own: EcuId, hardware_id: HardwareId) -> Self {
        Self {
            own,
            hardware_id,
            names_ecus: false,
            names_own: false,
            runs_here: false,
            entry: None,
            chosen: None,
            fault: None,
        }
    }
}

/// Picks it out.
struct Picking<'r> {
    ecus: &'r mut Ecus,
    pick: &'r mut Pick,
}

impl Heard for Picking<'_> {
    fn hardware_id(&mut self, id: &HardwareId) {
        self.pick.runs_here |= *id == self.pick.hardware_id;
    }

    #[inline(never)]
    fn ecu(&mut self, ecu: EcuId, said: &EcuReader) {
        let Self { ecus, pick } = self;
        pick.names_ecus = true;
        if ecus.names_again(&ecu) {
            pick.fault.get_or_insert(Error::EcuTwice);
        }
        if let Err(fault) = said.check_plain() {
            pick.fault.get_or_insert(fault);
        }
        if ecu == pick.own {
            pick.names_own = true;
            pick.entry = said.entry(ecu);
        }
    }
}

impl Listener for Picking<'_> {
    fn begin(&mut self) {
        (self.pick.names_ecus, self.pick.names_own, self.pick.runs_here) = (false, false, false);
    }

    #[inline(never)]
    fn target(&mut self, name: TargetName<'_>, head: &TargetHead) {
        let Self { pick, .. } = self;
        // §5.2.3.1.1: every image of the Director names the ECU that is to run it.
        if !pick.names_ecus {
            pick.fault.get_or_insert(Error::Schema { field: told("ecus") });
        }
        if !pick.names_own {
            return;
        }
        let TargetHead { length, hashes, line, release_counter } = *head;
        let listed = ListedImage { name: name.to_buf(), length, hashes, line, release_counter };
        pick.chosen = Some((listed, pick.runs_here));
    }
}
