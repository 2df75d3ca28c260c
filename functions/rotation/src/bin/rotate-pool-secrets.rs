//! Rotates the secrets of tenants in the pool.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_POOL_SECRETS)
}
