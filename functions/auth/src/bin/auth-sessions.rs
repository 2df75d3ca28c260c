//! Lists and ends sessions.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::SESSIONS)
}
