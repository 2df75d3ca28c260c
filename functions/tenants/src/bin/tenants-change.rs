//! Changes, closes, opens, gives up and restores a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&tenants::CHANGE)
}
