//! Orders rotations of secrets.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::ROTATE_SECRET)
}
