//! What is updated: the program in the bank that runs.
//!
//! It begins with a function in Thumb code that runs wherever it lies, tests the program, and says whether it works. On
//! a chip that maps either bank to the same address, or whose applications are linked for each, this is where their
//! vector table would be taken instead.

use secondary_ecu::Running;

use crate::board;
use crate::nor::{ERASE_UNIT, LAYOUT};

/// Whether the program that was booted works. One that is not signed for this ECU is not asked.
pub(crate) fn test(running: Running) -> bool {
    running.authorised && board::call(LAYOUT.image_at(ERASE_UNIT, running.bank)) != SICK
}

/// What a program says of itself if it does not work.
const SICK: u32 = 0;
