//! Servers that answer what the protocol does not have, against our client: it says what was wrong, and neither
//! believes it nor waits for ever.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use switchback_live::nbd::{Address, AllocatedRun, Client, ClientError};

const STRUCTURED: u32 = 8;
const SET_CONTEXT: u32 = 10;
const GO: u32 = 7;
const ACK: u32 = 1;

/// A server that says what it is told to, whatever it hears, and then hangs up.
fn says(bytes: Vec<u8>) -> (Address, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = Address::Tcp(listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        // The client may have hung up in the middle of it.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, server)
}

fn greeting() -> Vec<u8> {
    b"NBDMAGICIHAVEOPT\0\x03".to_vec()
}

fn reply(option: u32, kind: u32, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [
        &0x0003_e889_0455_65a9_u64.to_be_bytes()[..],
        &option.to_be_bytes(),
        &kind.to_be_bytes(),
        &length,
        content,
    ]
    .concat()
}

/// A disk of 1 MiB that can do everything.
fn export() -> Vec<u8> {
    reply(GO, 3, &[&[0, 0][..], &(1_u64 << 20).to_be_bytes(), &0x1ed_u16.to_be_bytes()].concat())
}

/// Everything up to the first request, with structured replies and context 5.
fn agreed() -> Vec<u8> {
    let context = [&5_u32.to_be_bytes()[..], b"base:allocation"].concat();
    [
        greeting(),
        reply(STRUCTURED, ACK, &[]),
        reply(SET_CONTEXT, 4, &context),
        reply(SET_CONTEXT, ACK, &[]),
        export(),
        reply(GO, ACK, &[]),
    ]
    .concat()
}

fn piece(flags: u16, kind: u16, cookie: u64, content: &[u8]) -> Vec<u8> {
    [
        &0x668e_33ef_u32.to_be_bytes()[..],
        &flags.to_be_bytes(),
        &kind.to_be_bytes(),
        &cookie.to_be_bytes(),
        &(content.len() as u32).to_be_bytes(),
        content,
    ]
    .concat()
}

fn data(flags: u16, offset: u64, bytes: &[u8]) -> Vec<u8> {
    piece(flags, 1, 1, &[&offset.to_be_bytes(), bytes].concat())
}

fn hole(flags: u16, offset: u64, bytes: u32) -> Vec<u8> {
    piece(flags, 2, 1, &[&offset.to_be_bytes()[..], &bytes.to_be_bytes()].concat())
}

/// What becomes of a request when the server answers it so.
fn asked<T>(
    answer: &[u8],
    ask: impl FnOnce(&mut Client) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let (address, server) = says([&agreed()[..], answer].concat());
    let mut client = Client::connect(&address, "disk")?;
    let result = ask(&mut client);
    drop(client);
    server.join().expect("the server ends");
    result
}

#[track_caller]
fn assert_protocol<T: std::fmt::Debug>(result: Result<T, ClientError>, words: &str) {
    match result {
        Err(error @ ClientError::Protocol { .. }) => {
            assert!(error.to_string().contains(words), "it says: {error}");
        }
        other => panic!("`{words}` was expected and {other:?} came"),
    }
}

#[test]
fn a_server_that_answers_in_order_is_believed() {
    let answer = [data(0, 1024, &[7; 512]), hole(0, 512, 512), data(1, 0, &[9; 512])].concat();
    let mut into = [1; 1536];
    asked(&answer, |client| client.read(0, &mut into)).unwrap();
    assert_eq!(
        (&into[..512], &into[512..1024], &into[1024..]),
        (&[9; 512][..], &[0; 512][..], &[7; 512][..])
    );

    let both = [&5_u32.to_be_bytes()[..], &512_u32.to_be_bytes(), &3_u32.to_be_bytes()].concat();
    let zeroes = [&5_u32.to_be_bytes()[..], &4096_u32.to_be_bytes(), &2_u32.to_be_bytes()].concat();
    let answers = [piece(1, 5, 1, &both), piece(1, 5, 2, &zeroes)].concat();
    let runs = asked(&answers, |client| client.runs(0, 1024)).unwrap();
    let run = |bytes, is_hole| AllocatedRun { bytes, is_hole };
    assert_eq!(
        runs,
        [run(512, true), run(512, false)],
        "zeroes that are kept are no hole, and the end is cut"
    );
}

#[test]
fn a_simple_server_is_understood() {
    let refused = reply(STRUCTURED, 1 << 31 | 1, b"what is that?");
    let done = [&0x6744_6698_u32.to_be_bytes()[..], &[0; 4], &1_u64.to_be_bytes(), &[3; 512]].concat();
    let bytes = [greeting(), refused, export(), reply(GO, ACK, &[]), done].concat();
    let (address, server) = says(bytes);
    let mut client = Client::connect(&address, "").unwrap();
    let mut into = [0; 512];
    client.read(0, &mut into).unwrap();
    assert_eq!((into, client.runs(0, 4096).unwrap().len()), ([3; 512], 1));
    drop(client);
    server.join().unwrap();
}

#[test]
fn what_is_no_server_of_nbd_is_named() {
    let connect = |bytes: Vec<u8>| {
        let (address, server) = says(bytes);
        let result = Client::connect(&address, "disk").map(|client| client.size_bytes());
        server.join().unwrap();
        result
    };
    assert_protocol(
        connect(b"HTTP/1.1 400 Bad Request\r\n".to_vec()),
        "the greeting: 0x4e42444d41474943 was",
    );
    assert_protocol(connect([b"NBDMAGIC", &[0; 200][..]].concat()), "the style of the greeting");
    assert_protocol(
        connect(b"NBDMAGICIHAVEOPT\0\0".to_vec()),
        "fixed newstyle was expected and flags 0x0 came",
    );
    assert!(matches!(connect(b"NBDMAGIC".to_vec()), Err(ClientError::Lost(_))));
    let structured = [greeting(), reply(STRUCTURED, ACK, &[])].concat();
    let other = [&structured[..], &reply(3, ACK, &[])].concat();
    assert_protocol(connect(other), "an answer to an option");
    let mut long = [&structured[..], &reply(SET_CONTEXT, ACK, &[])].concat();
    let length = long.len() - 4;
    long[length..].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_protocol(connect(long), "at most 65536 bytes was expected and 4294967295 came");
    let context = [&structured[..], &reply(SET_CONTEXT, ACK, &[])].concat();
    assert_protocol(
        connect([&context[..], &reply(GO, ACK, &[])].concat()),
        "its size was expected and the end",
    );
    assert_protocol(connect([&context[..], &reply(GO, 3, &[0, 0, 1])].concat()), "a whole answer");
    let refused = connect([&context[..], &reply(GO, 1 << 31 | 6, b"not here")].concat()).unwrap_err();
    assert_eq!(refused.to_string(), "the server refuses export `disk`: not here");
}

#[test]
fn what_was_not_asked_is_not_taken() {
    let read = |answer: &[u8]| asked(answer, |client| client.read(512, &mut [0; 1024]));
    let first = || data(0, 512, &[7; 512]);
    assert_protocol(read(&data(1, 512, &[7; 512])), "1024 bytes was expected and 512 came");
    assert_protocol(read(&[first(), data(1, 512, &[7; 512])].concat()), "byte 512 next");
    assert_protocol(read(&data(1, 0, &[7; 1024])), "1024 bytes at 0 came");
    assert_protocol(read(&data(1, 1024, &[7; 1024])), "1024 bytes at 1024 came");
    assert_protocol(read(&hole(1, 512, u32::MAX)), "4294967295 bytes at 512 came");
    assert_protocol(read(&data(1, u64::MAX, &[7; 8])), "bytes at 18446744073709551615 came");
    assert_protocol(read(&data(0, 512, &[])), "at least 9 bytes");
    assert_protocol(read(&hole(0, 512, 0)), "0 bytes at 512 came");
    assert_protocol(read(&piece(1, 2, 1, &[0; 11])), "12 bytes was expected and 11 came");
    assert_protocol(read(&piece(1, 5, 1, &[0; 12])), "one that belongs to the request");
    assert_protocol(read(&piece(1, 0, 2, &[])), "the number of a reply: 1 was expected and 2 came");
    assert_protocol(read(&[0x25; 64]), "the beginning of one was expected and 0x25252525 came");
    assert!(matches!(read(&first()), Err(ClientError::Lost(_))), "and an end in the middle is one");

    let runs = |answer: &[u8]| asked(answer, |client| client.runs(0, 4096));
    assert_protocol(runs(&piece(1, 5, 1, &[0; 12])), "the context of runs: 5 was expected and 0 came");
    assert_protocol(
        runs(&piece(1, 5, 1, &[0, 0, 0, 5, 0, 0])),
        "a context and runs was expected and 6 bytes",
    );
    assert_protocol(runs(&piece(1, 5, 1, &[0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0])), "some bytes was expected");
    assert_protocol(runs(&piece(1, 0, 1, &[])), "at least one run was expected and none came");
}

#[test]
fn errors_are_told_in_the_words_of_the_server() {
    let error = |number: u32, text: &str| {
        let length = (text.len() as u16).to_be_bytes();
        piece(1, 0x8001, 1, &[&number.to_be_bytes()[..], &length, text.as_bytes()].concat())
    };
    let said =
        asked(&error(28, "the volume is full"), |client| client.write(512, &[1; 512], false)).unwrap_err();
    assert_eq!(said.to_string(), "a write at 512: no room (ENOSPC): the volume is full");
    let said = asked(&error(77, ""), |client| client.flush()).unwrap_err();
    assert_eq!(said.to_string(), "a flush at 0: error 77");
    let late = [data(0, 0, &[7; 512]), error(5, "")].concat();
    let said = asked(&late, |client| client.read(0, &mut [0; 1024])).unwrap_err();
    assert_eq!(said.to_string(), "a read at 0: the disk has failed (EIO)");
    let cut = piece(1, 0x8001, 1, &[0, 0, 0, 5, 0, 9, b'x']);
    assert_protocol(asked(&cut, |client| client.flush()), "a number and a text was expected and less came");
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = Client::connect(&Address::Tcp(address), "").unwrap_err().to_string();
    assert!(refused.starts_with(&format!("cannot connect to nbd://{address}: ")), "{refused}");
    assert!(TcpStream::connect(address).is_err());
}
