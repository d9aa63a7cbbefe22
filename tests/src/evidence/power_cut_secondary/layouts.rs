//! Eight kinds of flash, and how it is divided: each with both ways to verify. The last two have a single bank.

use secondary_ecu::bench::{Course, InFiles, InFlash, Shape};
use secondary_ecu::flash::{Banks, Layout};

use super::cuts::{Seconds, Share, cut};
use super::tally::Tally;

/// A kind of ECU.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// What becomes of its update.
    pub(super) course: Course,
    /// Whether it is the first of its kind of verification.
    pub(super) is_first: bool,
    /// Makes its cuts.
    pub(super) cut: fn(&Self, Share, Seconds) -> Tally,
}

/// How many kinds of flash there are.
pub(super) const LAYOUTS: usize = 8;

/// The ECUs with the first so many kinds of flash.
pub(super) fn subjects(layouts: usize) -> Vec<Subject> {
    let all = [
        // The image fills its bank to the last byte; a state page holds several records, and both are filled.
        both::<16, 4_096>(shape(2, 12, 12, 1_024, 4_096, 12 * 1_024)),
        // Bytes that can be written one by one, as in emulated EEPROM; hardly more room than is needed.
        both::<1, 1_024>(shape(2, 8, 4, 512, 1_024, 3_000)),
        both::<4, 2_048>(shape(3, 8, 8, 777, 2_048, 6_001)),
        both::<8, 1_024>(shape(2, 7, 40, 512, 3_072, 5_000)),
        // Large write units, and more state pages than are ever full.
        both::<32, 8_192>(shape(8, 8, 24, 2_048, 8_192, 20_000)),
        // Coarse erase units: everything has one of its own.
        both::<8, 16_384>(shape(2, 16, 32, 500, 1, 17_000)),
        single::<8, 1_024>(shape(2, 8, 12, 512, 1_024, 11_000), Course::Commits),
        single::<8, 1_024>(shape(2, 8, 12, 512, 1_024, 11_000), Course::Returns),
    ];
    let first = |(at, pair): (usize, [Subject; 2])| pair.map(|subject| Subject { is_first: at == 0, ..subject });
    all.into_iter().take(layouts).enumerate().flat_map(first).collect()
}

/// Sizes of slot and bank in KiB.
fn shape(state_pages: u32, slot: u32, bank: u32, max_chunk: u32, progress: u32, image: usize) -> Shape {
    let layout = Layout { state_pages, slot_size: slot * 1_024, bank_size: bank * 1_024, banks: Banks::Two };
    Shape { layout, max_chunk, progress, image }
}

/// One bank instead of two. An update that returns takes the old image back from the Primary.
fn single<const WRITE: usize, const ERASE: usize>(shape: Shape, course: Course) -> [Subject; 2] {
    let word = match course {
        Course::Commits => "committed",
        Course::Returns => "taken back",
    };
    let layout = Layout { banks: Banks::Single, ..shape.layout };
    both::<WRITE, ERASE>(Shape { layout, ..shape }).map(|subject| {
        let name = format!("{}, one bank, {word}", subject.name);
        Subject { name, course, ..subject }
    })
}

fn both<const WRITE: usize, const ERASE: usize>(shape: Shape) -> [Subject; 2] {
    let Shape { layout: Layout { state_pages, slot_size, bank_size, banks: _ }, image, .. } = shape;
    let course = Course::Commits;
    let name = |verification: &str| {
        let (erase, slot, bank) = (ERASE / 1_024, slot_size / 1_024, bank_size / 1_024);
        format!(
            "{verification}, write {WRITE} B, erase {erase} K, {state_pages} pages, slots {slot} K, banks {bank} K, image {image} B"
        )
    };
    [
        Subject { name: name("PV+"), shape, course, is_first: false, cut: cut::<InFlash, WRITE, ERASE> },
        Subject { name: name("full"), shape, course, is_first: false, cut: cut::<InFiles, WRITE, ERASE> },
    ]
}
