//! How connections and servers end: nothing is half done, what was received is done and answered, nobody is waited
//! for without end.

mod nbd_support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use nbd_support::{Asked, MIB, Observed, Raw, connect, request, serve, serve_all, tcp_address, wait_until};
use switchback_live::nbd::{Client, ClientError, Exports, MemoryDisk, Server, ServerLimits};

fn observed() -> Arc<Observed> {
    Arc::new(Observed::new(MemoryDisk::new(8 * MIB)))
}

fn limited(disk: Arc<Observed>, limits: ServerLimits) -> Server {
    serve_all(Exports::new("disk", "", disk).expect("a disk of whole sectors"), limits)
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_a_write_has_written_nothing() {
    let disk = observed();
    let server = serve(disk.clone());
    let mut raw = Raw::ready(&server, "disk", false);
    raw.say(&request(0, 1, 1, 0, MIB as u32));
    raw.say(&vec![1; MIB as usize - 1]);
    raw.end();
    assert_eq!(raw.rest(), b"", "there is nothing to answer");
    wait_until("the connection is closed", || server.connections() == 0);
    assert_eq!(disk.asked(), []);
}

#[test]
fn a_client_that_goes_away_after_a_write_has_written() {
    let disk = observed();
    let server = serve(disk.clone());
    let mut raw = Raw::ready(&server, "disk", false);
    raw.say(&request(0, 1, 1, 0, MIB as u32));
    raw.say(&vec![1; MIB as usize]);
    drop(raw);
    wait_until("the connection is closed", || server.connections() == 0);
    assert_eq!(disk.asked(), [Asked::Write { offset: 0, bytes: MIB as usize, durable: false }]);
}

#[test]
fn a_goodbye_comes_after_the_answers() {
    let server = serve(observed());
    let mut raw = Raw::ready(&server, "disk", false);
    let write = |cookie| [request(0, 1, cookie, 0, 512), vec![1; 512]].concat();
    raw.say(&[write(1), write(2), request(0, 2, 3, 0, 0), write(4)].concat());
    assert_eq!([raw.simple(), raw.simple()], [(0, 1), (0, 2)]);
    assert_eq!(raw.rest(), b"", "and nothing comes after it");
}

#[test]
fn replies_to_a_burst_come_although_the_next_request_is_cut() {
    let server = serve(observed());
    let mut raw = Raw::ready(&server, "disk", false);
    let write = [request(0, 1, 1, 0, 512), vec![1; 512]].concat();
    let next = request(0, 1, 2, 512, 512);
    raw.say(&[&write[..], &next[..20]].concat());
    assert_eq!(raw.simple(), (0, 1));
    raw.say(&[&next[20..], &[1; 100]].concat());
    raw.say(&[1; 412]);
    assert_eq!(raw.simple(), (0, 2));
}

#[test]
fn an_orderly_stop_does_and_answers_what_was_received() {
    let disk = observed();
    let server = serve(disk.clone());
    let mut raw = Raw::ready(&server, "disk", false);
    let mut idle = connect(&server);
    let address = tcp_address(&server);
    disk.shut_gate();
    // More than is read ahead, so that part of it waits in the socket.
    let writes = (1..=32).map(|cookie| [request(0, 1, cookie, 4096 * cookie, 4096), vec![1; 4096]].concat());
    raw.say(&writes.collect::<Vec<_>>().concat());
    wait_until("the first write is at the disk", || disk.asked().len() == 1);
    let stopping = std::thread::spawn(|| server.stop());
    wait_until("nobody is let in any more", || TcpStream::connect(address).is_err());
    disk.open_gate();
    stopping.join().unwrap();
    assert_eq!(disk.asked().len(), 32);
    for cookie in 1..=32 {
        assert_eq!(raw.simple(), (0, cookie));
    }
    assert_eq!(raw.rest(), b"");
    assert!(matches!(idle.flush(), Err(ClientError::Lost(_))), "an idle client is told by the end");
}

#[test]
fn a_write_of_which_a_part_is_missing_is_not_waited_for_at_the_end() {
    let disk = observed();
    let server = serve(disk.clone());
    let mut raw = Raw::ready(&server, "disk", false);
    raw.say(&[request(0, 1, 1, 0, MIB as u32), vec![1; 1000]].concat());
    server.stop();
    assert_eq!((raw.rest(), disk.asked()), (Vec::new(), Vec::new()));
}

#[test]
fn a_client_that_takes_no_answers_holds_nothing_up() {
    let disk = observed();
    let limits = ServerLimits { grace: Duration::from_millis(50), ..ServerLimits::USUAL };
    let server = limited(disk.clone(), limits);
    let mut raw = Raw::ready(&server, "disk", false);
    for cookie in 1..=16 {
        raw.say(&request(0, 0, cookie, 0, 8 * MIB as u32));
    }
    wait_until("the server reads for it", || !disk.asked().is_empty());
    server.stop();
    assert!(disk.asked().len() < 16, "it was left before all was read");
}

#[test]
fn a_server_that_is_dropped_leaves_its_clients_at_once() {
    let server = serve(observed());
    let mut client = connect(&server);
    let address = server.address().clone();
    drop(server);
    assert!(matches!(client.flush(), Err(ClientError::Lost(_))));
    assert!(matches!(Client::connect(&address, ""), Err(ClientError::Connect { .. })));
}

#[test]
fn no_more_connections_are_taken_than_allowed() {
    let server = limited(observed(), ServerLimits { connections: 2, ..ServerLimits::USUAL });
    let (mut first, second) = (connect(&server), connect(&server));
    assert!(matches!(Client::connect(server.address(), ""), Err(ClientError::Lost(_))));
    first.flush().unwrap();
    drop(second);
    wait_until("there is room again", || server.connections() == 1);
    connect(&server).flush().unwrap();
}

#[test]
fn clients_may_come_and_go_by_the_hundred() {
    let server = serve(observed());
    for number in 0..300 {
        let mut stream = TcpStream::connect(tcp_address(&server)).unwrap();
        let greeted = stream.read(&mut [0; 18]).unwrap();
        assert!(greeted == 18 || server.connections() > 60, "client {number} was turned away");
        // Some say nothing, some half a word.
        let _ = stream.write(&[0, 0][..number % 3]);
    }
    wait_until("all are gone", || server.connections() == 0);
    connect(&server).flush().unwrap();
}
