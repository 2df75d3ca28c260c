//! Functions that run elsewhere on this machine, under `cargo lambda watch` or as plain binaries: the stack's AWS endpoint
//! on a socket of its own, and what Lambda would set in each function's environment, as a file for `--env-file`.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use tokio::net::TcpListener;

use crate::{aws::listener, stack::LocalStack};

/// Serves the endpoint on a free port until `stop` resolves; `FOLDER/{function}.env` is valid for as long.
///
/// # Errors
/// The socket's and the folder's.
pub async fn serve(
    stack: &LocalStack,
    folder: &Path,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", socket.local_addr()?);
    fs::create_dir_all(folder)?;
    for (name, variables) in stack.functions.environments(&endpoint) {
        let path = folder.join(format!("{name}.env"));
        // They hold the function's credentials: nobody else reads them.
        let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
        for (variable, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(file, "{variable}={value}")?;
        }
    }
    println!("\nAWS endpoint:       {endpoint} (environments in {}/FUNCTION.env)", folder.display());
    listener::serve(socket, stack.gateway.clone(), stop).await
}
