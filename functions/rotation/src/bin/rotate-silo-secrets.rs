//! Rotates the secrets of silo tenants, `innkeeper/{stage}/tenant/{id}-{attempt}`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_SILO_SECRETS)
}
