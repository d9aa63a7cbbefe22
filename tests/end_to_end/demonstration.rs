//! The README's first command.

use simulator::demo;

#[test]
fn the_demonstration_updates_four_ecus_and_refuses_three_attacks() {
    demo::run_with(crate::launcher(), &demo::Options::default()).unwrap();
}
