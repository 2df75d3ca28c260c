//! Rotates `innkeeper/{stage}/data-keys`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::ROTATE_DATA_KEYS)
}
