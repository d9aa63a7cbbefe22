//! Patches, against an image whose every byte is known.

use proto::delta::{Decoder as Patcher, Expected, Header, Images};
use uptane::Sha256;

use super::{Decoder, Run};

pub(super) const PATCH: Decoder = Decoder {
    name: "patch",
    run: patch,
    bound: (0, 0),
    is_signed: false,
    sources: &[
        "delta/alignments.rs",
        "delta/coder.rs",
        "delta/decoder.rs",
        "delta/decoder/piece.rs",
        "delta/decoder/point.rs",
        "delta/header.rs",
        "delta/model.rs",
    ],
    seeds: || {
        let digits = include_str!("../../../proto/src/delta/tests/patch.hex").split_whitespace().collect::<String>();
        let byte = |at: usize| digits.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let patch: Vec<u8> = (0..digits.len() / 2).filter_map(byte).collect();
        let segments = patch.get(HEADER..).unwrap_or_default();
        vec![[&[1, 7], patch.as_slice()].concat(), [&[0, 40], segments].concat(), vec![0, 1]]
    },
};

const HEADER: usize = proto::delta::HEADER;
/// Lengths of the images.
const OLD: usize = 1_000;
const NEW: usize = 1_300;

/// The first byte says whether a header is part of the input, the second how it is cut.
fn patch(run: &mut Run, input: &[u8]) {
    let Some(([has_header, size], rest)) = input.split_first_chunk() else { return };
    let old = noise();
    let (Ok(old_length), Ok(new_length)) = (u32::try_from(OLD), u32::try_from(NEW)) else { return };
    let expected = Expected { old_length, base: Sha256::of(&old), new_length };
    let header = Header { old_length, new_length, base: expected.base }.encode();
    let patch = [if has_header & 1 == 1 { &[] } else { header.as_slice() }, rest].concat();

    let (mut whole, mut cut, mut resumed) = (Banks::of(&old), Banks::of(&old), Banks::of(&old));
    let size = usize::from(*size).max(1);
    let (first, again) = run.decode(|| {
        let mut patcher = Patcher::new(expected);
        let fed = patcher.feed(&patch, &mut whole).and_then(|()| Ok(patcher.finish()?));
        let mut patcher = Patcher::new(expected);
        let pieces = patch.chunks(size).try_for_each(|piece| patcher.feed(piece, &mut cut));
        (fed, pieces.and_then(|()| Ok(patcher.finish()?)))
    });
    assert!((first, &whole.new) == (again, &cut.new), "pieces make another image than the whole");
    run.accepted = first.is_ok();

    let last = run.decode(|| {
        let mut patcher = Patcher::new(expected);
        let some = patch.get(..patch.len() / 2).unwrap_or_default();
        patcher.feed(some, &mut resumed).ok()?;
        let held = u32::try_from(resumed.new.len()).ok()?;
        let point = patcher.point_within(held);
        let mut patcher = Patcher::resume(expected, point, held).ok()?;
        let rest = usize::try_from(point.patch).ok().and_then(|from| patch.get(from..))?;
        Some(patcher.feed(rest, &mut resumed).and_then(|()| Ok(patcher.finish()?)))
    });
    assert!(last.is_none_or(|last| (last, &resumed.new) == (first, &whole.new)), "a power cut makes another image");
}

/// Bytes in which nothing repeats.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..OLD).map(next).collect()
}

struct Banks<'o> {
    old: &'o [u8],
    new: Vec<u8>,
}

impl<'o> Banks<'o> {
    fn of(old: &'o [u8]) -> Self {
        Self { old, new: Vec::with_capacity(NEW) }
    }
}

impl Images for Banks<'_> {
    type Error = ();

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), ()> {
        let old = usize::try_from(at).ok().and_then(|at| self.old.get(at..)).and_then(|old| old.get(..into.len()));
        into.copy_from_slice(old.unwrap_or_else(|| unreachable!("read outside the old image")));
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.new.extend_from_slice(bytes);
        assert!(self.new.len() <= NEW, "written beyond the new image");
        Ok(())
    }
}
