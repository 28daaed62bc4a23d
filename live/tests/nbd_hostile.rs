//! Bytes that no client of the protocol sends. Each gets its error or is left, and the server goes on.

mod nbd_support;

use std::sync::Arc;

use nbd_support::{MIB, Observed, Raw, connect, option_bytes, pattern, request, serve, text};
use proptest::prelude::*;
use switchback_live::nbd::{MemoryDisk, Server};

fn observed() -> (Arc<Observed>, Server) {
    let disk = Arc::new(Observed::new(MemoryDisk::new(MIB)));
    (disk.clone(), serve(disk))
}

/// The server still does what it is for.
#[track_caller]
fn assert_serves(server: &Server) {
    let mut client = connect(server);
    let mut back = [1; 512];
    client.read(0, &mut back).expect("the server reads");
    assert_eq!(back, [0; 512]);
    client.disconnect().expect("the server is there to the end");
}

#[test]
fn what_is_no_handshake_is_left() {
    let (_, server) = observed();
    let flags = 3_u32.to_be_bytes();
    let long = option_bytes(7, u32::MAX, &[0; 100]);
    let corpus: [(&str, Vec<u8>); 8] = [
        ("a web browser", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("TLS", vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
        ("flags of tomorrow", 4_u32.to_be_bytes().to_vec()),
        ("half of the flags", vec![0, 0]),
        ("an option of nobody", [&flags[..], b"IHAVEOPS", &[0; 8]].concat()),
        ("an option that is cut", [&flags[..], b"IHAVEOPT\0\0\0\x07"].concat()),
        ("the content of one that is cut", [&flags[..], &option_bytes(7, 50, b"abc")].concat()),
        ("an option of 4 GiB", [&flags[..], &long].concat()),
    ];
    for (what, bytes) in corpus {
        let mut raw = Raw::connect(&server);
        raw.take(18);
        raw.blurt(&bytes);
        let rest = raw.rest();
        // The one with a length is told that it is too long.
        let told = if what == "an option of 4 GiB" { Some(1 << 31 | 9) } else { None };
        let kind = rest.get(12..16).map(|kind| u32::from_be_bytes(kind.try_into().unwrap()));
        assert_eq!(kind, told, "{what}");
        assert_serves(&server);
    }
}

#[test]
fn options_that_are_wrong_are_refused_and_the_haggling_goes_on() {
    let (_, server) = observed();
    const UNSUPPORTED: u32 = 1 << 31 | 1;
    const POLICY: u32 = 1 << 31 | 2;
    const INVALID: u32 = 1 << 31 | 3;
    const UNKNOWN: u32 = 1 << 31 | 6;
    let disk = text("disk");
    let corpus: [(&str, u32, Vec<u8>, u32); 14] = [
        ("TLS", 5, Vec::new(), POLICY),
        ("the option of experiments", 4, disk.clone(), UNSUPPORTED),
        ("long headers", 11, Vec::new(), UNSUPPORTED),
        ("an option that nobody knows", 0xdead_beef, vec![7; 1000], UNSUPPORTED),
        ("a list of something", 3, vec![1], INVALID),
        ("structured replies with something", 8, vec![1], INVALID),
        ("an export without a name", 7, Vec::new(), INVALID),
        ("a name longer than the option", 7, [&[0, 0, 1, 0][..], b"disk\0\0"].concat(), INVALID),
        ("a name of 4 GiB", 7, [&[0xff; 4][..], b"disk\0\0"].concat(), INVALID),
        ("a name that is no text", 7, [&[0, 0, 0, 2][..], &[0xff, 0xfe, 0, 0]].concat(), INVALID),
        ("more kinds of information than there are", 6, [&disk[..], &[0xff, 0xff]].concat(), INVALID),
        ("information and then some", 6, [&disk[..], &[0, 0, 9]].concat(), INVALID),
        ("four billion queries", 10, [&disk[..], &[0xff; 4]].concat(), INVALID),
        ("another disk", 7, [&text("another")[..], &[0, 0]].concat(), UNKNOWN),
    ];
    let mut raw = Raw::greeted(&server);
    raw.option(8, &[]);
    assert_eq!(raw.reply().kind, 1);
    for (what, option, content, expected) in corpus {
        raw.option(option, &content);
        let reply = raw.reply();
        assert_eq!((reply.option, reply.kind), (option, expected), "{what}");
        assert!(!reply.content.is_empty(), "{what}: without a word");
    }
    raw.option(7, &[&disk[..], &[0, 0]].concat());
    while raw.reply().kind != 1 {}
    raw.say(&request(0, 0, 1, 0, 512));
    assert_eq!(raw.piece().content.len(), 8 + 512);
}

#[test]
fn what_is_no_request_is_left_and_does_nothing() {
    let write = [request(0, 1, 1, 0, 4096), vec![9; 4096]].concat();
    let reply = [0x6744_6698_u32.to_be_bytes(), [0; 4]].concat();
    let corpus: [(&str, Vec<u8>); 6] = [
        ("half a request", write[..20].to_vec()),
        ("a write that is cut", write[..4000].to_vec()),
        ("a reply", [reply, vec![0; 20]].concat()),
        ("an option", option_bytes(7, 0, &[0; 12])),
        ("a long header", [0x21e4_1c71_u32.to_be_bytes().to_vec(), vec![0; 28]].concat()),
        ("nothing but ones", vec![0xff; 100_000]),
    ];
    for (what, bytes) in corpus {
        let (disk, server) = observed();
        let mut raw = Raw::ready(&server, "disk", false);
        raw.blurt(&bytes);
        assert_eq!((raw.rest(), disk.asked()), (Vec::new(), Vec::new()), "{what}");
        assert_serves(&server);
    }
}

#[test]
fn a_write_whose_length_lies_takes_the_next_request_for_data() {
    let (disk, server) = observed();
    let mut raw = Raw::ready(&server, "disk", false);
    // 1024 bytes are announced and 512 sent: what follows is data, and then it is out of step.
    raw.say(&[request(0, 1, 1, 0, 1024), vec![9; 512], request(0, 1, 2, 0, 512), vec![9; 512]].concat());
    assert_eq!(raw.simple(), (0, 1));
    raw.end();
    assert_eq!(raw.rest(), b"");
    assert_eq!(disk.asked().len(), 1);
}

#[test]
fn payloads_without_end_are_let_pass_and_not_kept() {
    let (disk, server) = observed();
    let mut raw = Raw::ready(&server, "disk", false);
    let length = 256 << 20;
    raw.say(&request(0, 1, 1, 0, length));
    for _ in 0..256 {
        raw.say(&vec![1; MIB as usize]);
    }
    assert_eq!((raw.simple(), disk.asked()), ((22, 1), Vec::new()));
    raw.say(&request(0, 0, 2, 0, 512));
    assert_eq!((raw.simple(), raw.take(512)), ((0, 2), vec![0; 512]));
}

#[test]
fn a_thousand_lists_are_answered_while_they_are_asked() {
    let (_, server) = observed();
    let mut raw = Raw::greeted(&server);
    raw.say(&option_bytes(3, 0, &[]).repeat(1000));
    for _ in 0..1000 {
        assert_eq!([raw.reply().kind, raw.reply().kind], [2, 1]);
    }
    drop(raw);
    assert_serves(&server);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_the_server_goes_on(
        seed: u64,
        length in 0_usize..5000,
        place in 0_usize..3,
        headers in prop::collection::vec((any::<u16>(), 0_u16..10, any::<u64>(), any::<u32>()), 0..8),
    ) {
        let (_, server) = observed();
        let mut raw = match place {
            0 => Raw::connect(&server),
            1 => Raw::greeted(&server),
            _ => Raw::ready(&server, "disk", seed % 2 == 0),
        };
        let requests = headers.into_iter().flat_map(|(flags, command, offset, length)| {
            request(flags % 32, command, 1, offset % (2 * MIB), length % 8192)
        });
        let bytes: Vec<u8> = requests.chain(pattern(seed, length)).collect();
        raw.blurt(&bytes);
        raw.rest();
        let mut client = connect(&server);
        client.read(0, &mut [0; 512]).unwrap();
        server.stop();
    }
}
