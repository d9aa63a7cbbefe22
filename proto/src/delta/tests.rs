use alloc::vec::Vec;
use std::eprintln;

use proptest::prelude::*;
use uptane::Sha256;

use super::*;

/// A patch of several segments, made by `image-repo` with segments of 16 bytes.
const PATCH: &str = include_str!("tests/patch.hex");

fn patch() -> Vec<u8> {
    let digits: Vec<u8> = PATCH.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Bytes in which nothing repeats.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}

fn old() -> Vec<u8> {
    noise(1_000, 1)
}

/// Bytes that moved, some that changed, some that are new, and some that came back.
fn new() -> Vec<u8> {
    let old = old();
    let mut new = [
        &old[..200],
        &noise(30, 2),
        &old[200..420],
        &noise(30, 3),
        &old[420..700],
        &old[40..240],
        &noise(40, 4),
        &old[700..],
    ]
    .concat();
    for place in (20..new.len()).step_by(97) {
        new[place] = new[place].wrapping_add(4);
    }
    new
}

fn expected() -> Expected {
    Expected { old_length: 1_000, base: Sha256::of(&old()), new_length: 1_300 }
}

/// Two banks that know their bounds.
struct Banks {
    old: Vec<u8>,
    new: Vec<u8>,
    room: usize,
    writes_left: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl Banks {
    fn holding(new: &[u8]) -> Self {
        Self { old: old(), new: new.to_vec(), room: 1_300, writes_left: usize::MAX }
    }
}

impl Images for Banks {
    type Error = Broken;

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), Broken> {
        let at = usize::try_from(at).unwrap();
        into.copy_from_slice(&self.old[at..at + into.len()]);
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.writes_left = self.writes_left.checked_sub(1).ok_or(Broken)?;
        self.new.extend_from_slice(bytes);
        assert!(self.new.len() <= self.room, "written beyond the new image");
        Ok(())
    }
}

fn decode(patch: &[u8]) -> Result<Vec<u8>, Failure<Broken>> {
    let (mut decoder, mut banks) = (Decoder::new(expected()), Banks::holding(&[]));
    decoder.feed(patch, &mut banks)?;
    decoder.finish()?;
    Ok(banks.new)
}

#[test]
fn a_decoder_takes_no_more_than_two_kibibytes() {
    eprintln!("a decoder takes {} bytes", size_of::<Decoder>());
    assert!(size_of::<Decoder>() <= 2_048);
}

#[test]
fn a_patch_makes_the_new_image_however_it_is_cut() {
    let (patch, new) = (patch(), new());
    assert_eq!(decode(&patch), Ok(new.clone()));
    for size in 1..patch.len() {
        let (mut decoder, mut banks) = (Decoder::new(expected()), Banks::holding(&[]));
        patch.chunks(size).for_each(|piece| decoder.feed(piece, &mut banks).unwrap());
        assert_eq!(decoder.finish(), Ok(()));
        assert!(banks.new == new, "pieces of {size}");
        assert_eq!((decoder.patch_offset(), decoder.new_offset()), (u32::try_from(patch.len()).unwrap(), 1_300));
    }
}

#[test]
fn after_a_power_cut_at_any_byte_it_goes_on_with_what_is_durable() {
    let (patch, new) = (patch(), new());
    let mut points = Vec::new();
    for cut in 0..=patch.len() {
        let (mut decoder, mut banks) = (Decoder::new(expected()), Banks::holding(&[]));
        let (mut point, mut durable) = (Point::START, 0);
        for byte in &patch[..cut] {
            decoder.feed(&[*byte], &mut banks).unwrap();
            durable = banks.new.len() / 16 * 16;
            point = decoder.point_within(u32::try_from(durable).unwrap());
        }
        let mut decoder = Decoder::resume(expected(), point, u32::try_from(durable).unwrap()).unwrap();
        let mut banks = Banks::holding(&banks.new[..durable]);
        decoder.feed(&patch[usize::try_from(point.patch).unwrap()..], &mut banks).unwrap();
        assert_eq!(decoder.finish(), Ok(()), "cut at {cut}");
        assert!(banks.new == new, "cut at {cut}");
        points.push(point);
    }
    points.dedup();
    assert!(points.len() >= 3, "{points:?}");
}

#[test]
fn where_every_segment_begins_its_point_is_told_even_if_flash_is_slow() {
    let (mut decoder, mut banks) = (Decoder::new(expected()), Banks::holding(&[]));
    let patch = patch();
    decoder.feed(&patch, &mut banks).unwrap();
    assert_eq!(decoder.point_within(0), Point::START);
    let first = decoder.point_within(1_299);
    assert!(first.patch > 0 && first.new > 0 && first.new < 1_300, "{first:?}");
    assert_eq!(decoder.point_within(1_300), Point { patch: u32::try_from(patch.len()).unwrap(), new: 1_300 });
}

#[test]
fn a_point_beyond_what_is_held_is_refused() {
    let point = Point { patch: 100, new: 64 };
    assert!(Decoder::resume(expected(), point, 63).is_err());
    assert!(Decoder::resume(expected(), point, 1_301).is_err());
    assert!(Decoder::resume(expected(), point, 64).is_ok());
}

#[test]
fn a_patch_for_another_image_is_refused_before_anything_is_written() {
    let patch = patch();
    let wrong = [
        (Expected { base: Sha256::of(b"another"), ..expected() }, Error::PatchBase),
        (Expected { old_length: 999, ..expected() }, Error::PatchBase),
        (Expected { new_length: 1_301, ..expected() }, Error::PatchLength { expected: 1_301, got: 1_300 }),
    ];
    for (expected, error) in wrong {
        let (mut decoder, mut banks) = (Decoder::new(expected), Banks::holding(&[]));
        assert_eq!(decoder.feed(&patch, &mut banks), Err(Failure::Patch(error)));
        assert!(banks.new.is_empty());
        assert_eq!((decoder.feed(&patch, &mut banks), decoder.finish()), (Err(error.into()), Err(error)));
    }
}

#[test]
fn another_format_is_refused() {
    for place in 0..4 {
        let mut patch = patch();
        patch[place] ^= 1;
        assert_eq!(decode(&patch), Err(Error::NotAPatch.into()));
    }
}

#[test]
fn a_header_reads_back_as_it_was_written() {
    let header = Header { old_length: 1, new_length: 0x0102_0304, base: Sha256::of(b"old") };
    assert_eq!(Header::decode(&header.encode()), Ok(header));
}

#[test]
fn a_patch_that_ends_early_or_late_is_refused() {
    let whole = patch();
    for length in 0..whole.len() {
        assert!(matches!(decode(&whole[..length]), Err(Failure::Patch(Error::PatchLength { .. }))), "{length}");
    }
    assert_eq!(decode(&[whole.as_slice(), &[0]].concat()), Err(Error::PatchTrailing.into()));
}

#[test]
fn no_changed_byte_of_a_patch_writes_beyond_the_new_image() {
    let whole = patch();
    for place in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut patch = whole.clone();
            patch[place] ^= change;
            let _wrong_or_refused = decode(&patch);
        }
    }
}

#[test]
fn an_image_that_cannot_be_written_ends_the_decoding() {
    let patch = patch();
    let (mut decoder, mut banks) = (Decoder::new(expected()), Banks { writes_left: 1, ..Banks::holding(&[]) });
    assert_eq!(decoder.feed(&patch, &mut banks), Err(Failure::Images(Broken)));
    assert_eq!(decoder.feed(&patch, &mut banks), Err(Error::PatchStopped.into()));
    assert_eq!(decoder.finish(), Err(Error::PatchStopped));
}

#[test]
fn an_empty_image_is_a_header_alone() {
    let expected = Expected { new_length: 0, ..expected() };
    let header = Header { old_length: 1_000, new_length: 0, base: expected.base };
    let (mut decoder, mut banks) = (Decoder::new(expected), Banks::holding(&[]));
    decoder.feed(&header.encode(), &mut banks).unwrap();
    assert_eq!(decoder.finish(), Ok(()));
    assert_eq!(decoder.feed(&[0], &mut banks), Err(Error::PatchTrailing.into()));
}

proptest! {
    #[test]
    fn no_bytes_after_a_header_panic_or_write_beyond_the_new_image(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        size in 1..50_usize,
    ) {
        let mut decoder = Decoder::resume(expected(), Point { patch: 44, new: 0 }, 0).unwrap();
        let mut banks = Banks::holding(&[]);
        for piece in bytes.chunks(size) {
            let _refused_or_not = decoder.feed(piece, &mut banks);
        }
        prop_assert!(banks.new.len() <= 1_300);
    }

    #[test]
    fn a_model_never_takes_anything_for_certain(bits in prop::collection::vec(any::<bool>(), 0..2_000), is_one: bool) {
        let mut model = Model::EVEN;
        for bit in bits.into_iter().chain([is_one; 500]) {
            model.learn(bit);
            prop_assert!((1..=4_095).contains(&model.likelihood()));
        }
        prop_assert_eq!(model.likelihood(), if is_one { 4_095 } else { 1 });
    }

    #[test]
    fn what_a_place_is_called_leads_there(copies in prop::collection::vec((0..5_000_u32, 0..5_000_u32, 1..100_u32), 1..20)) {
        let mut alignments = Alignments::new(7);
        for (old, new, length) in copies {
            let source = alignments.name(old, new);
            prop_assert_eq!(alignments.place(source, new), Ok(old));
            alignments.copied(old, new, length);
            prop_assert_eq!(alignments.name(old, new), Source::Recent(0));
        }
    }
}
