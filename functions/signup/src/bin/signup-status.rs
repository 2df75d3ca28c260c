//! Tells how far a tenant is.

fn main() -> std::process::ExitCode {
    lambda::main(&signup::STATUS)
}
