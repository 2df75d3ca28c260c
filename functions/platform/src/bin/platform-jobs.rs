//! Tells operators how the work in the background is.

fn main() -> std::process::ExitCode {
    lambda::main(&platform::JOBS)
}
