//! Retires a compromised signing key.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_RETIRE_SIGNING_KEY)
}
