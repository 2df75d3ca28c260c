//! Records what a re-seal left.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::RESEAL_FAIL)
}
