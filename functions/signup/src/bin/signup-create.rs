//! Takes a signup.

fn main() -> std::process::ExitCode {
    lambda::main(&signup::CREATE)
}
