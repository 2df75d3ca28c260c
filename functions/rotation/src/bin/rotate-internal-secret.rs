//! Rotates `innkeeper/{stage}/internal-secret`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_INTERNAL_SECRET)
}
