use proptest::prelude::*;
use proptest::sample::Index;
use proto::delta::{Decoder, Failure, HEADER, Images, Point};

use super::*;

/// Bytes in which nothing repeats.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}

/// Code of a machine that never was: every 20 bytes a call whose distance counts in halfwords, every 64 an address.
fn firmware(functions: usize, inserted: Option<usize>) -> Vec<u8> {
    let size = 120;
    let place = |function: usize| function * size + if inserted.is_some_and(|at| function > at) { 36 } else { 0 };
    let mut code = Vec::new();
    for function in 0..functions {
        code.extend(noise(if inserted == Some(function) { size + 36 } else { size }, u32::try_from(function).unwrap()));
        let (start, mut callee) = (place(function), function);
        for call in (start + 8..start + size - 4).step_by(20) {
            callee = (callee * 7 + 13) % functions;
            let distance = place(callee).wrapping_sub(call) / 2;
            code[call + 1] = 0xf0;
            code[call + 2..call + 4].copy_from_slice(&distance.to_le_bytes()[..2]);
        }
    }
    code
}

/// Two banks in memory that know their bounds.
struct Banks<'o> {
    old: &'o [u8],
    new: Vec<u8>,
    room: usize,
}

impl Images for Banks<'_> {
    type Error = ();

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), ()> {
        let at = usize::try_from(at).unwrap();
        into.copy_from_slice(&self.old[at..at + into.len()]);
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.new.extend_from_slice(bytes);
        assert!(self.new.len() <= self.room, "written beyond the new image");
        Ok(())
    }
}

/// What becomes of a patch that may be damaged.
fn decode(old: &[u8], patch: &[u8], new_length: usize) -> Result<Vec<u8>, Failure<()>> {
    let mut decoder = Decoder::new(expected(old, new_length).unwrap());
    let mut banks = Banks { old, new: Vec::new(), room: new_length };
    decoder.feed(patch, &mut banks)?;
    decoder.finish()?;
    Ok(banks.new)
}

fn round_trip(old: &[u8], new: &[u8]) -> usize {
    let patch = make(old, new).unwrap();
    assert!(decode(old, &patch, new.len()).unwrap() == new);
    patch.len()
}

#[test]
fn nothing_becomes_something_and_something_nothing() {
    assert_eq!(round_trip(b"", b""), HEADER);
    assert_eq!(round_trip(b"old", b""), HEADER);
    assert!(round_trip(b"", b"new") < HEADER + 12);
    assert!(round_trip(b"x", b"x") < HEADER + 12);
}

#[test]
fn the_same_image_again_takes_some_bytes() {
    let image = noise(300_000, 1);
    assert!(round_trip(&image, &image) < 300);
}

#[test]
fn an_unrelated_image_takes_little_more_than_itself() {
    let length = round_trip(&noise(30_000, 1), &noise(30_000, 2));
    assert!(length < 32_500, "{length}");
}

#[test]
fn an_image_of_one_byte_repeated_takes_little() {
    let length = round_trip(&[0xff; 100_000], &[0; 100_000]);
    assert!(length < 2_000, "{length}");
}

#[test]
fn a_function_that_grew_in_sixty_kilobytes_takes_three() {
    let length = round_trip(&firmware(500, None), &firmware(500, Some(250)));
    assert!(length <= 3_072, "{length}");
}

#[test]
fn the_same_images_make_the_same_patch() {
    let (old, new) = (firmware(100, None), firmware(100, Some(3)));
    assert_eq!(make(&old, &new), make(&old, &new));
}

#[test]
fn an_image_longer_than_a_patch_is_made_for_is_refused() {
    let most = usize::try_from(MAX_IMAGE).unwrap();
    assert_eq!(length(most), Ok(1 << 28));
    assert_eq!(length(most + 1), Err(Error::TooLong { length: most + 1, most: MAX_IMAGE }));
}

#[test]
fn after_a_power_cut_the_patch_goes_on_from_the_last_segment_that_is_durable() {
    let old = firmware(400, None);
    let new = [&firmware(200, Some(9))[..], &noise(30_000, 5), &firmware(400, Some(1))[9_000..]].concat();
    let patch = make(&old, &new).unwrap();
    let expected = expected(&old, new.len()).unwrap();
    let mut decoder = Decoder::new(expected);
    let mut banks = Banks { old: &old, new: Vec::new(), room: new.len() };
    let mut points = vec![Point::START];
    for piece in patch.chunks(250) {
        decoder.feed(piece, &mut banks).unwrap();
        let durable = banks.new.len() / 4_096 * 4_096;
        let held = u32::try_from(durable).unwrap();
        let point = decoder.point_within(held);
        points.extend(Some(point).filter(|point| points.last() != Some(point)));
        let mut after = Decoder::resume(expected, point, held).unwrap();
        let mut bank = Banks { old: &old, new: banks.new[..durable].to_vec(), room: new.len() };
        after.feed(&patch[usize::try_from(point.patch).unwrap()..], &mut bank).unwrap();
        assert_eq!(after.finish(), Ok(()));
        assert!(bank.new == new, "{point:?}");
    }
    let most = points.windows(2).map(|pair| pair[1].patch - pair[0].patch).max().unwrap();
    assert!(points.len() > 3 && most < 3 * 8_192, "{points:?}");
}

#[test]
fn no_damage_to_a_patch_writes_beyond_the_new_image() {
    let (old, new) = (firmware(30, None), [&firmware(30, Some(3))[..], b"and some words"].concat());
    let whole = make(&old, &new).unwrap();
    for place in 0..whole.len() {
        assert!(decode(&old, &whole[..place], new.len()).is_err(), "{place}");
        for change in [1, 0x80, 0xff] {
            let mut patch = whole.clone();
            patch[place] ^= change;
            let _wrong_or_refused = decode(&old, &patch, new.len());
        }
    }
}

/// One change to an image.
#[derive(Clone, Debug)]
enum Edit {
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Overwrite(Index, Vec<u8>),
    Move(Index, usize, Index),
}

impl Edit {
    fn apply(&self, image: &mut Vec<u8>) {
        let span = |at: &Index, length: usize| {
            let at = at.index(image.len() + 1);
            at..image.len().min(at + length)
        };
        match self {
            Self::Insert(at, bytes) => drop(image.splice(span(at, 0), bytes.iter().copied())),
            Self::Remove(at, length) => drop(image.drain(span(at, *length))),
            Self::Overwrite(at, bytes) => drop(image.splice(span(at, bytes.len()), bytes.iter().copied())),
            Self::Move(from, length, to) => {
                let moved: Vec<u8> = image.drain(span(from, *length)).collect();
                let to = to.index(image.len() + 1);
                image.splice(to..to, moved);
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let (at, bytes) = (any::<Index>(), prop::collection::vec(any::<u8>(), 0..60));
    prop_oneof![
        (at.clone(), bytes.clone()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at.clone(), 0..400_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at.clone(), bytes).prop_map(|(at, bytes)| Edit::Overwrite(at, bytes)),
        (at.clone(), 0..800_usize, at).prop_map(|(from, length, to)| Edit::Move(from, length, to)),
    ]
}

/// Images with much and with little that repeats.
fn image() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2_000),
        prop::collection::vec(0..3_u8, 0..2_000),
        (0..40_usize).prop_map(|functions| firmware(functions, None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_edited_image_is_made_again(old in image(), edits in prop::collection::vec(edit(), 0..8)) {
        let mut new = old.clone();
        edits.iter().for_each(|edit| edit.apply(&mut new));
        round_trip(&old, &new);
    }

    #[test]
    fn any_two_images_have_a_patch(old in image(), new in image()) {
        round_trip(&old, &new);
    }
}
