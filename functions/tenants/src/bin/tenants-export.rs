//! Exports a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&tenants::EXPORT)
}
