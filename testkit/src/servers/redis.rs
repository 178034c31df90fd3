//! A Redis server of a test, with its append-only file on: what it has answered survives a kill.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;

use tempfile::TempDir;

use super::{Process, ending_with_us, free_port, wait_until};

/// A Redis server.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Process>,
    folder: TempDir,
    port: u16,
    password: Option<String>,
}

impl RedisServer {
    /// Starts one that asks for no password.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// Starts one that asks for this password.
    pub fn start_with_password(password: &str) -> Self {
        Self::with(Some(password.to_owned()))
    }

    fn with(password: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder of the server");
        let mut server = Self { process: None, folder, port: free_port(), password };
        server.run();
        server
    }

    /// Its address, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it without a word.
    pub fn kill(&mut self) {
        self.process.take().expect("a running server").end("KILL");
    }

    /// Starts it again on the same folder and port.
    pub fn run(&mut self) {
        let mut command = ending_with_us("KILL");
        command.args(["redis-server", "--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        command.arg("--dir").arg(self.folder.path());
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("redis-server; `cargo xtask test` installs it");
        self.process = Some(Process(child));
        wait_until("redis", || self.answers());
    }

    /// Whether it has read its files and answers; a refusal for want of a password is an answer.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        let mut answer = [0; 6];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer[..5]).is_ok()
            && (answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAU"))
    }
}
