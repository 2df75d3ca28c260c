//! Starts what a crash left unstarted.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::SWEEP)
}
