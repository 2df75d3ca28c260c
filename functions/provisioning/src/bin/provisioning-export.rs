//! Exports a tenant that is being removed.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::EXPORT)
}
