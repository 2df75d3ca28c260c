//! Changes who belongs to a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&members::MANAGE)
}
