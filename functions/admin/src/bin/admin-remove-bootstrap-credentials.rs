//! Deletes the bootstrap credentials.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::REMOVE_BOOTSTRAP_CREDENTIALS)
}
