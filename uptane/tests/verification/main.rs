//! The Standard's verification procedures against whole repositories: one fault per test.

mod vectors;
