//! Reads back what was made.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::HEALTH_CHECK)
}
