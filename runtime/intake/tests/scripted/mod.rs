//! An HTTP server that says what a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// Whether the connection breaks before the last byte.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn ok(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: 200, content_type, body, cut: false }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: vec![], cut: false }
    }
}

/// Listens until the test's process ends.
pub(crate) struct Server {
    port: u16,
}

impl Server {
    /// Answers each request from its path and how often that path was asked for before.
    pub(crate) fn start(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut asked = BTreeMap::<String, usize>::new();
            for stream in listener.incoming().flatten() {
                let Some(path) = request(&stream) else { continue };
                let count = asked.entry(path.clone()).or_default();
                // The client may have seen enough.
                let _ = write(&stream, &answer(&path, *count));
                *count += 1;
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self) -> trocar_intake::Url {
        format!("http://127.0.0.1:{}/dicom-web/", self.port).parse().unwrap()
    }
}

fn request(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.split('?').next()?.to_owned();
    lines.map_while(Result::ok).find(String::is_empty)?;
    Some(path)
}

fn write(mut stream: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let Answer { status, content_type, body, cut } = answer;
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body[..body.len() - usize::from(*cut)])
}
