//! Sets a first password.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::ACTIVATE)
}
