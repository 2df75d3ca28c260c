//! Hands out the tenants that have something under an old data key.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::RESEAL_LIST)
}
