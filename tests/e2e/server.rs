//! The server under test: the one at `INNKEEPER_URL`, or a child process.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, Weak},
};

/// What the tests that run at the same time share. Weak, so that the last of them stops it.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A server; a child process is killed with it.
pub(crate) struct Server {
    pub(crate) url: String,
    child: Option<Child>,
}

impl Server {
    /// One that may be shared, and so has tenants of other tests.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let server = Arc::new(remote().unwrap_or_else(|| Self::start(&["--memory", "--no-limits"])));
        *shared = Arc::downgrade(&server);
        server
    }

    /// A child process of the caller's own, ready to serve.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(["--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("innkeeper starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let url = lines.by_ref().find_map(|line| ready(&line.ok()?)).expect("innkeeper says that it is ready");
        // Whoever prints into a pipe that nobody reads stops, or dies.
        std::thread::spawn(move || lines.for_each(drop));
        Self { url, child: Some(child) }
    }
}

impl Drop for Server {
    /// SIGKILL: nothing is tidied up, as in a crash.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// `Innkeeper is ready on http://127.0.0.1:49152 (…)`
fn ready(line: &str) -> Option<String> {
    Some(line.strip_prefix("Innkeeper is ready on ")?.split_whitespace().next()?.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one setting of these tests; nothing else reads the environment")]
fn remote() -> Option<Server> {
    let url = std::env::var("INNKEEPER_URL").ok().filter(|url| !url.is_empty())?;
    Some(Server { url: url.trim_end_matches('/').to_owned(), child: None })
}

/// Beside the folder of the test's own executable: target/debug/deps/e2e-… and target/debug/innkeeper.
fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it is");
    let path = own.ancestors().nth(2).expect("it is in target/PROFILE/deps").join("innkeeper");
    assert!(path.exists(), "{} is missing: run `cargo build -p local`, or `cargo test --workspace`", path.display());
    path
}
