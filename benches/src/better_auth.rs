//! better-auth on SQLite, as `benches/better-auth` sets it up: a server of its own that is asked over one connection.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{Failure, pace::Turn, process, programs, wire};

const DATABASE: &str = "bench.db";
const EMAIL: &str = "first@example.com";
const PASSWORD: &str = "correct horse battery staple";
/// Requests of a round.
const TIMES: u32 = 300;

pub(crate) struct Server {
    child: Child,
    port: u16,
    token: String,
}

impl Server {
    /// Installs and starts it, with one user. The reason where this machine cannot.
    pub(crate) fn start() -> Result<Self, Failure> {
        let folder = programs::better_auth()?;
        for suffix in ["", "-wal", "-shm"] {
            // Of an earlier run, if there was one.
            drop(std::fs::remove_file(folder.join(format!("{DATABASE}{suffix}"))));
        }
        let mut command = Command::new("node");
        let variables = [("DBFILE", DATABASE), ("NODE_ENV", "production"), ("BETTER_AUTH_TELEMETRY", "0")];
        command.arg("server.mjs").current_dir(&folder).envs(variables);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or("no output")?).lines().map_while(Result::ok);
        let port = said.filter_map(|line| line.strip_prefix("PORT ")?.parse().ok()).next();
        let mut server = Self { child, port: port.unwrap_or(0), token: String::new() };
        let user = json!({ "email": EMAIL, "password": PASSWORD, "name": "First" });
        server.token = token_of(&server.connect()?.ask("POST", "/api/auth/sign-up/email", "", Some(&user))?)?;
        Ok(server)
    }

    /// Sign-ins, without a hash.
    pub(crate) fn sign_ins(&self) -> Result<Turn, Failure> {
        let user = json!({ "email": EMAIL, "password": PASSWORD });
        self.spent("POST", "/api/auth/sign-in/email", Some(&user))
    }

    /// Looks at the session.
    pub(crate) fn sessions(&self) -> Result<Turn, Failure> {
        self.spent("GET", "/api/auth/get-session", None)
    }

    fn spent(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Turn, Failure> {
        let mut connection = self.connect()?;
        let headers = format!("authorization: Bearer {}\r\n", self.token);
        let headers = if body.is_none() { headers.as_str() } else { "" };
        let mut turn = Turn::default();
        for number in 0..2 * TIMES {
            if number == TIMES {
                turn = Turn::default();
            }
            let ask = |connection: &mut Connection| connection.ask(method, path, headers, body);
            turn.ask(&mut connection, |_| process::cpu(self.child.id()), ask)?;
        }
        Ok(turn)
    }

    /// MiB.
    pub(crate) fn memory(&self) -> f64 {
        process::memory(self.child.id())
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        Ok(Connection(BufReader::new(stream)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn ask(&mut self, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let typed = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://127.0.0.1\r\n{typed}{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let (status, answer) = wire::answer(&mut self.0).ok_or("better-auth: no answer")?;
        match status {
            200 => Ok(serde_json::from_slice(&answer)?),
            _ => Err(format!("better-auth: {status} {}", String::from_utf8_lossy(&answer)).into()),
        }
    }
}

fn token_of(answer: &Value) -> Result<String, Failure> {
    Ok(answer["token"].as_str().ok_or("no session token")?.to_owned())
}
