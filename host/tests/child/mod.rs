//! Tests that need a process of their own start this very program again, for that one test.

use std::process::{Command, Output};

/// The variable that tells the second process that it is one.
const VARIABLE: &str = "CONVOY_TEST_CHILD";

/// Whether this is the second process.
pub(crate) fn is_child() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The arguments with which this program runs the test of this name alone, its own path first.
fn arguments(test: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap().into_os_string().into_string().unwrap();
    [program.as_str(), "--exact", test, "--nocapture", "--test-threads=1"].map(str::to_owned).to_vec()
}

/// A command that runs the arguments of `wrapper` followed by those that run the test again.
pub(crate) fn command(wrapper: &[&str], test: &str) -> Command {
    let all = wrapper.iter().map(|argument| (*argument).to_owned()).chain(arguments(test)).collect::<Vec<_>>();
    let (program, arguments) = all.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env(VARIABLE, "1").env_remove(host::keys::PASSPHRASE_VARIABLE);
    command
}

/// Refuses an end that is not that of one test which held.
pub(crate) fn check(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let held = output.status.success() && said.contains("1 passed");
    assert!(held, "{said}{}", String::from_utf8_lossy(&output.stderr));
}
