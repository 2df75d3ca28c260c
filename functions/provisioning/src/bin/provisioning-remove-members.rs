//! Removes the members of a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::REMOVE_MEMBERS)
}
