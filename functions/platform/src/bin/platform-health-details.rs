//! Tells operators how the platform is.

fn main() -> std::process::ExitCode {
    lambda::main(&platform::HEALTH_DETAILS)
}
