//! Says who the caller is.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::WHOAMI)
}
