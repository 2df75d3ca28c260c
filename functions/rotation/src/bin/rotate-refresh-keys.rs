//! Rotates `innkeeper/{stage}/refresh-keys`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_REFRESH_KEYS)
}
