//! `simulator`: virtual vehicles over the very same code; and the demo.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|first| first == simulator::live::NODE).is_some() {
        return simulator::live::run_node(args);
    }
    simulator::run(std::env::args_os())
}
