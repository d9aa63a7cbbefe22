//! How much memory a decoder asks for: an allocator that counts, for programs that install it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, and a count of the bytes each thread holds.
pub struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// What `work` returns, and the most bytes it held at once beyond those held before; 0 where [`Counting`] is not
/// installed.
pub fn of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST.set(before);
    let done = work();
    (done, MOST.get().saturating_sub(before))
}

fn grew(bytes: usize) {
    let held = HELD.get().saturating_add(bytes);
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

fn shrank(bytes: usize) {
    HELD.set(HELD.get().saturating_sub(bytes));
}

#[expect(unsafe_code, reason = "an allocator cannot be written otherwise; every call goes to the system's as it came")]
// SAFETY: all calls are handed to `System` unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promise is the one `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        shrank(layout.size());
        // SAFETY: the caller's promise is the one `System` asks for.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both places are held.
        grew(size);
        shrank(layout.size());
        // SAFETY: the caller's promise is the one `System` asks for.
        unsafe { System.realloc(place, layout, size) }
    }
}
