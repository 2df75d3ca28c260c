//! Rotates `innkeeper/{stage}/signing-keys`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_SIGNING_KEYS)
}
