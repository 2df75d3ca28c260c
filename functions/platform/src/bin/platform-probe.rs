//! Asks the new versions of a release for an answer before they get traffic.

fn main() -> std::process::ExitCode {
    lambda::main(&platform::PROBE)
}
