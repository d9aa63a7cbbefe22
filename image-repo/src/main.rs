//! The Image repository's program.

fn main() -> std::process::ExitCode {
    image_repo::run(std::env::args_os())
}
