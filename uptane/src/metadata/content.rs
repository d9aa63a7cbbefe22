//! Reading the `signed` of a role file: value by value, into what the file says.

use crate::Error;
use crate::json::{Event, Path, Sink, Span, Step, read};

/// Collects what one kind of file says. Spans are offsets into whatever is being scanned.
pub trait ContentReader {
    /// What is collected.
    type Says;

    /// Before the first value.
    fn new() -> Self;

    /// A value, by its path within `signed`.
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error>;

    /// Whether the object or array at this path within `signed` is to be told value by value.
    fn descends(&self, _steps: &[Step<'_>]) -> bool {
        true
    }

    /// After the last value.
    fn finish(&self) -> Result<Self::Says, Error>;
}

/// Reads a `signed` that stands alone.
pub(super) fn read_signed<C: ContentReader>(signed: &[u8]) -> Result<C::Says, Error> {
    let mut alone = Alone(C::new());
    read(signed, &mut alone)?;
    alone.0.finish()
}

struct Alone<C>(C);

impl<C: ContentReader> Sink for Alone<C> {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        self.0.event(path.steps(), event, span)
    }

    fn descends(&self, path: &Path<'_>) -> bool {
        self.0.descends(path.steps())
    }
}
