//! The Lambda Runtime API, as a function sees it: it polls for an event and posts its answer.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    io::{self, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use crate::wire;

/// A function that says nothing for so long is stuck; Node takes a fifth of a second to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a function did.
pub(crate) enum Call {
    /// It waits for an event; send it the HTTP response that holds one.
    Next(Sender<Vec<u8>>),
    /// It answered.
    Answered(Vec<u8>),
    /// It reported an error, of an invocation or of its start.
    Failed(Vec<u8>),
}

/// One endpoint for one function after the other.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    calls: Receiver<Call>,
}

impl RuntimeApi {
    pub(crate) fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                // A function that is killed closes its connection in the middle of anything.
                std::thread::spawn(move || drop(serve(stream, &sender)));
            }
        });
        Ok(Self { address, calls })
    }

    pub(crate) fn next(&self) -> Result<Call, RecvTimeoutError> {
        self.calls.recv_timeout(PATIENCE)
    }

    /// Forgets what the last function did when it was killed.
    pub(crate) fn clear(&self) {
        while self.calls.try_recv().is_ok() {}
    }
}

fn serve(stream: TcpStream, calls: &Sender<Call>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let accepted = wire::response("202 Accepted", "Content-Type: application/json\r\n", b"{\"status\":\"OK\"}\n");
    while let Some(request) = wire::read(&mut reader) {
        let (answer, event) = mpsc::channel();
        let polls = request.method == "GET" && request.path.ends_with("/invocation/next");
        let call = match request.path.rsplit('/').next() {
            Some("next") if polls => Call::Next(answer),
            Some("response") => Call::Answered(request.body),
            _ => Call::Failed(request.body),
        };
        if calls.send(call).is_err() {
            return Ok(());
        }
        match polls.then(|| event.recv()) {
            None => writer.write_all(&accepted)?,
            Some(Ok(event)) => writer.write_all(&event)?,
            Some(Err(_)) => return Ok(()),
        }
    }
    Ok(())
}
