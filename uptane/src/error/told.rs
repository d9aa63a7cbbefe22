//! What an error tells beside the check that failed.

/// The value, for people.
#[cfg(feature = "alloc")]
pub type Told<T> = T;

/// Nothing: an ECU without a heap names the check that failed by its code, in an error of one byte that every step of a
/// verification can hand on in a register.
#[cfg(not(feature = "alloc"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<T>(core::marker::PhantomData<T>);

#[cfg(not(feature = "alloc"))]
impl<T> core::fmt::Display for Told<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("(not kept)")
    }
}

#[cfg(not(feature = "alloc"))]
impl<T> core::fmt::LowerHex for Told<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// What an error tells of this value.
#[cfg(feature = "alloc")]
pub const fn told<T: Copy>(value: T) -> Told<T> {
    value
}

/// What an error tells of this value: nothing.
#[cfg(not(feature = "alloc"))]
pub const fn told<T: Copy>(_: T) -> Told<T> {
    Told(core::marker::PhantomData)
}
