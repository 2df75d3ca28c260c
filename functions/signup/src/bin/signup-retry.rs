//! Tries a failed provisioning again.

fn main() -> std::process::ExitCode {
    lambda::main(&signup::RETRY)
}
