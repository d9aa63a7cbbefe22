//! A heap that can be locked, to show that code does without one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which gives nothing to a thread that runs [`without_heap`].
///
/// Code that then needs memory aborts the process, as it would on a machine that has none.
pub struct LockableHeap;

#[expect(unsafe_code, reason = "an allocator is an unsafe trait; each call goes to the system's own, or gives nothing")]
// SAFETY: what is given out comes from `System` with the same layout, and returning null is always allowed.
unsafe impl GlobalAlloc for LockableHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match LOCKED.get() {
            true => std::ptr::null_mut(),
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Does `work` while this thread gets no memory from a [`LockableHeap`].
pub fn without_heap<T>(work: impl FnOnce() -> T) -> T {
    LOCKED.set(true);
    let result = work();
    LOCKED.set(false);
    result
}

/// Whether the heap of this process is a [`LockableHeap`].
pub fn can_be_locked() -> bool {
    without_heap(|| Vec::<u8>::new().try_reserve(64).is_err())
}
