//! Archives a tenant that is removed.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::ARCHIVE)
}
