//! Checks the request once more, against the store.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::VALIDATE_REQUEST)
}
