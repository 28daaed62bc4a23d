//! Serves a small site to vSphere clients over plain HTTP on loopback, one connection after the other: enough to try a
//! client against the surface alone. `cargo run -p switchback-vsphere --features soap --example soap_server -- 8989`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use switchback_vsphere::soap::{Request, Response, Vim};

#[path = "../tests/soap_support/mod.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod soap_support;

use soap_support::World;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8989);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let (mut vim, mut world) = (Vim::new(), World::new());
    for connection in listener.incoming() {
        // A client that goes away in the middle of something ends its connection and nothing else.
        _ = serve(&connection?, &mut vim, &mut world);
    }
    Ok(())
}

/// Answers one request and closes: a client that keeps its connection would keep all others out.
fn serve(mut stream: &TcpStream, vim: &mut Vim, world: &mut World) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (mut cookie, mut session_id, mut action, mut length) = (None, None, None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "cookie" => cookie = Some(value.trim().to_owned()),
            "vmware-api-session-id" => session_id = Some(value.trim().to_owned()),
            "soapaction" => action = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let request = Request {
        method: &method,
        path: path.split('?').next().unwrap_or_default(),
        query: path.split_once('?').map_or("", |(_, query)| query),
        cookie: cookie.as_deref(),
        session_id: session_id.as_deref(),
        soap_action: action.as_deref(),
        body: &body,
        https: false,
        authority: None,
    };
    let Response { status, content_type, headers, body, .. } = vim.answer(&request, world);
    let mut head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&body)
}
