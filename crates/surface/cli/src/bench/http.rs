//! A client that benches ask servers of this machine with: one request a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::place::io;
use super::steady::{PATIENCE, gave_up};
use crate::failure::Failure;

/// What a browser says that it can unpack.
pub(super) const PACKED: &str = "accept-encoding: gzip, deflate, br\r\n";
/// What follows is JSON.
const JSON: &str = "content-type: application/json\r\n";

/// What a server said.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The content type, without what follows a semicolon.
    pub(super) media: String,
    /// How the body is packed, where it is.
    pub(super) packed: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Result<serde_json::Value, Failure> {
        let wrong = || gave_up(&format!("an answer is no JSON: {}", self.text()));
        serde_json::from_slice(&self.body).map_err(|_| wrong())
    }
}

/// Asks for a page. The protocol is the oldest, which knows no answer in pieces.
pub(super) fn get(address: &str, path: &str, heads: &str) -> Result<Answer, Failure> {
    ask(address, &format!("GET {path} HTTP/1.0"), heads, &[])
}

/// Sends JSON. The driver of a browser speaks no older protocol.
pub(super) fn post(address: &str, path: &str, body: &serde_json::Value) -> Result<Answer, Failure> {
    ask(address, &format!("POST {path} HTTP/1.1"), JSON, body.to_string().as_bytes())
}

/// One request, by its first line.
pub(super) fn ask(address: &str, first: &str, heads: &str, body: &[u8]) -> Result<Answer, Failure> {
    let mut stream = TcpStream::connect(address).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    let length = body.len();
    let head = format!(
        "{first}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{heads}\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).map_err(io)?;
    answer_of(BufReader::new(stream))
}

fn answer_of(mut from: impl BufRead) -> Result<Answer, Failure> {
    let (mut line, mut lines) = (String::new(), Vec::new());
    while from.read_line(&mut line).map_err(io)? > 0 && !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
        line.clear();
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| gave_up("a server does not answer as servers do"))?;
    let field = |name: &str| {
        let of = |line: &String| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        lines.iter().find_map(of)
    };
    let mut body = Vec::new();
    match field("content-length").and_then(|length| length.parse::<u64>().ok()) {
        // A server may keep the connection, although nobody asked for it.
        Some(length) => from.take(length).read_to_end(&mut body),
        None => from.read_to_end(&mut body),
    }
    .map_err(io)?;
    let media = field("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().to_owned();
    Ok(Answer { status, media, packed: field("content-encoding"), body })
}

#[cfg(test)]
mod tests {
    use super::answer_of;

    #[test]
    fn an_answer_is_read_to_its_length_or_its_end() {
        let told = "HTTP/1.1 202 Accepted\r\nContent-Type: text/html; charset=utf-8\r\n\
                    Content-Encoding: br\r\nContent-Length: 2\r\n\r\nabcd";
        let answer = answer_of(told.as_bytes()).unwrap();
        assert_eq!((answer.status, answer.media.as_str()), (202, "text/html"));
        assert_eq!((answer.packed.as_deref(), answer.text().as_str()), (Some("br"), "ab"));
        let answer = answer_of(&b"HTTP/1.0 404 No\r\n\r\nnothing"[..]).unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (404, "nothing"));
        assert!(answer_of(&b"hello"[..]).is_err());
    }
}
