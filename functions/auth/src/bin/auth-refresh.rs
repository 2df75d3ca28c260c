//! Refreshes a session.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::REFRESH)
}
