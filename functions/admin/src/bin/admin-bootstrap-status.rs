//! Says whether the bootstrap credentials are there.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::BOOTSTRAP_STATUS)
}
