//! Signs in.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::LOGIN)
}
