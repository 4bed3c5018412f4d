//! Receives one callback, prints it, answers 200 and ends: somebody to call while trying xcron.
//!
//! Listens on 127.0.0.1:9000, or on the address given as its only argument.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The most bytes of a head and of a body that are taken in.
const HEAD_BYTES_MAX: u64 = 16 * 1024;
const BODY_BYTES_MAX: u64 = 64 * 1024;
const SILENCE_MAX: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9000"))?;
    eprintln!("waiting for a callback on http://{}/", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    receive(&stream)
}

/// Prints one request and answers it.
fn receive(stream: &TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX);
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err("the request ended within its head".into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        println!("{line}");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = String::new();
    reader.take(BODY_BYTES_MAX.min(length)).read_to_string(&mut body)?;
    println!("\n{body}");
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    Ok(())
}
