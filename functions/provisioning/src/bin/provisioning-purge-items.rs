//! Removes what else a tenant has.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::PURGE_ITEMS)
}
