//! What came of all inputs together; printed when the program ends.

use std::cell::RefCell;

use crate::decoders::Run;

#[derive(Default)]
struct Statistics {
    inputs: u64,
    resigned: u64,
    accepted: u64,
    held: usize,
}

thread_local! {
    static ALL: RefCell<Statistics> = RefCell::default();
}

/// Counts an input.
pub fn count(run: &Run) {
    ALL.with_borrow_mut(|all| {
        all.inputs += 1;
        all.resigned += u64::from(run.resigned);
        all.accepted += u64::from(run.accepted);
        all.held = all.held.max(run.held);
    });
}

impl Drop for Statistics {
    fn drop(&mut self) {
        let Self { inputs, resigned, accepted, held } = self;
        eprintln!("statistics: inputs={inputs} resigned={resigned} accepted={accepted} held={held}");
    }
}
