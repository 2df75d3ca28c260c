//! Records what could not be undone.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::RECORD_ORPHAN)
}
