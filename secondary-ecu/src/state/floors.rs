//! Counter floors: the lowest release counter each image line may still install (§5.4.3.4, trap T5).

use uptane::{Error, ImageLine, ReleaseCounter, told};

/// Image lines one ECU keeps a floor for. One ECU runs one line; a few more let it change lines and back.
pub(super) const MAX_LINES: usize = 4;

/// Floors only rise, and a line once met is never forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floors {
    pub(super) lines: [Option<(ImageLine, ReleaseCounter)>; MAX_LINES],
}

impl Floors {
    /// The floor of `line`: zero for one never met.
    #[inline(never)]
    pub fn of(&self, line: ImageLine) -> ReleaseCounter {
        self.known(&line).and_then(|at| self.lines.get(at)?.as_ref()).map_or(ReleaseCounter::ZERO, |(_, floor)| *floor)
    }

    /// Whether `line` has a floor or there is room for one.
    pub fn has_room_for(&self, line: ImageLine) -> Result<(), Error> {
        self.place_of(&line).map(|_| ())
    }

    /// Raises the floor of `line` to `counter`; never lowers it.
    pub fn raise(&mut self, line: ImageLine, counter: ReleaseCounter) -> Result<(), Error> {
        let at = self.place_of(&line)?;
        if let Some(slot) = self.lines.get_mut(at) {
            let (_, floor) = slot.get_or_insert((line, counter));
            *floor = counter.max(*floor);
        }
        Ok(())
    }

    /// Where the floor of `line` is, or may be put.
    fn place_of(&self, line: &ImageLine) -> Result<usize, Error> {
        let free = || self.lines.iter().position(Option::is_none);
        self.known(line).or_else(free).ok_or(Error::Limit { what: told("image lines") })
    }

    #[inline(never)]
    fn known(&self, line: &ImageLine) -> Option<usize> {
        self.lines.iter().position(|slot| slot.as_ref().is_some_and(|(known, _)| known == line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> ImageLine {
        ImageLine::parse(name).unwrap()
    }

    fn counter(value: u64) -> ReleaseCounter {
        ReleaseCounter::new(value).unwrap()
    }

    #[test]
    fn a_floor_never_falls() {
        let mut floors = Floors::default();
        floors.raise(line("brake"), counter(7)).unwrap();
        floors.raise(line("brake"), counter(3)).unwrap();
        assert_eq!(floors.of(line("brake")), counter(7));
        assert_eq!(floors.of(line("other")), counter(0));
    }

    #[test]
    fn a_line_beyond_the_last_is_refused_rather_than_one_forgotten() {
        let mut floors = Floors::default();
        for name in ["a", "b", "c", "d"] {
            floors.raise(line(name), counter(1)).unwrap();
        }
        assert_eq!(floors.has_room_for(line("e")), Err(Error::Limit { what: "image lines" }));
        assert_eq!(floors.raise(line("e"), counter(1)), Err(Error::Limit { what: "image lines" }));
        assert_eq!(floors.has_room_for(line("a")), Ok(()));
    }
}
