//! Orders rotations for machines.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::ORDER_ROTATION)
}
