//! Serves the public keys.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::JWKS)
}
