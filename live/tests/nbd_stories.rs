//! What clients get from the NBD server, as stories: by our own client, and byte by byte where it cannot say it.

mod nbd_support;

use std::io;
use std::sync::Arc;

use nbd_support::{Asked, MIB, Observed, Piece, Raw, connect, pattern, request, serve, serve_all, text};
use switchback_live::nbd::{
    Address, AllocatedRun, Client, ClientError, ErrorNumber, Export, ExportError, Exports, MemoryDisk,
    Server, ServerLimits,
};

fn memory(bytes: u64) -> Arc<MemoryDisk> {
    Arc::new(MemoryDisk::new(bytes))
}

#[track_caller]
fn assert_answered(result: Result<(), ClientError>, expected: ErrorNumber, words: &str) {
    match result {
        Err(ClientError::Answered { error, why, .. }) => {
            assert_eq!(error, expected);
            assert!(why.contains(words), "the server says: {why}");
        }
        other => panic!("{expected:?} was expected and {other:?} came"),
    }
}

#[test]
fn what_is_written_is_read_back_over_either_family_of_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let unix = Address::Unix(folder.path().join("disk.socket"));
    for address in [nbd_support::loopback(), unix] {
        let exports = Exports::new("disk", "", memory(64 * MIB)).unwrap();
        let server = Server::start(&address, exports, ServerLimits::USUAL).unwrap();
        let mut client = connect(&server);
        assert_eq!((client.size_bytes(), client.is_read_only()), (64 * MIB, false));
        assert_eq!(client.block_sizes(), [512, 4096, 32 << 20]);
        // Longer than one request may be, and not in line with pages.
        let data = pattern(1, (40 * MIB + 1536) as usize);
        client.write(512, &data, false).unwrap();
        client.flush().unwrap();
        let mut back = vec![0; data.len()];
        connect(&server).read(512, &mut back).unwrap();
        assert!(back == data, "another connection reads what was written");
        client.disconnect().unwrap();
        server.stop();
    }
}

#[test]
fn a_disk_is_told_what_the_client_wants_and_nothing_else() {
    let disk = Arc::new(Observed::new(MemoryDisk::new(MIB)));
    let server = serve(disk.clone());
    let mut client = connect(&server);
    client.write(512, &[1; 512], false).unwrap();
    client.write(0, &[1; 512], true).unwrap();
    client.zero(0, 4096, true, false).unwrap();
    client.zero(0, 4096, false, true).unwrap();
    client.trim(4096, 8192).unwrap();
    client.flush().unwrap();
    client.read(0, &mut [0; 1024]).unwrap();
    let zero = |offset, bytes, may_punch, durable| Asked::Zero { offset, bytes, may_punch, durable };
    assert_eq!(
        disk.asked(),
        [
            Asked::Write { offset: 512, bytes: 512, durable: false },
            Asked::Write { offset: 0, bytes: 512, durable: true },
            zero(0, 4096, true, false),
            zero(0, 4096, false, true),
            zero(4096, 8192, true, false),
            Asked::Flush,
            Asked::Read { offset: 0, bytes: 1024 },
        ]
    );
}

#[test]
fn disks_are_found_by_name_and_the_first_without() {
    let exports = Exports::new("first", "the system", memory(MIB)).unwrap();
    let exports = exports.and("second", "", memory(2 * MIB)).unwrap();
    let server = serve_all(exports, ServerLimits::USUAL);
    let size = |name: &str| Client::connect(server.address(), name).map(|client| client.size_bytes());
    assert_eq!([size("").unwrap(), size("first").unwrap(), size("second").unwrap()], [MIB, MIB, 2 * MIB]);
    let refused = size("third").unwrap_err().to_string();
    assert_eq!(refused, "the server refuses export `third`: no export is called `third`");

    let mut raw = Raw::greeted(&server);
    raw.option(3, &[]);
    let listed = [raw.reply(), raw.reply(), raw.reply()].map(|reply| (reply.kind, reply.content));
    let first = [text("first"), b"the system".to_vec()].concat();
    assert_eq!(listed, [(2, first), (2, text("second")), (1, Vec::new())]);
    raw.option(6, &[&text("first")[..], &[0, 2, 0, 1, 0, 2]].concat());
    let told: Vec<Vec<u8>> = (0..4).map(|_| raw.reply().content).collect();
    assert_eq!(told[2..], [b"\0\x01first".to_vec(), b"\0\x02the system".to_vec()]);
    assert_eq!(raw.reply().kind, 1, "and the haggling goes on");
    raw.option(2, &[]);
    assert_eq!((raw.reply().kind, raw.rest()), (1, Vec::new()), "until the client gives up");
}

#[test]
fn a_disk_that_cannot_be_told_from_another_is_not_served() {
    let exports = Exports::new("disk", "", memory(MIB)).unwrap();
    let twice = exports.and("disk", "", memory(MIB)).err().unwrap();
    assert_eq!(twice, ExportError::Twice { name: "disk".to_owned() });
    let odd = Exports::new("disk", "", memory(1000)).err().unwrap();
    assert_eq!(odd.to_string(), "disk `disk` has 1000 bytes: a multiple of 512 was expected");
    let long = Exports::new(&"x".repeat(5000), "", memory(MIB)).err().unwrap();
    assert_eq!(long, ExportError::NameTooLong { bytes: 5000 });
}

#[test]
fn old_clients_choose_by_name_alone() {
    let server = serve(memory(MIB));
    let mut raw = Raw::connect(&server);
    raw.take(18);
    raw.say(&1_u32.to_be_bytes());
    raw.option(1, b"disk");
    assert_eq!(raw.number::<8>(), MIB);
    let features = raw.number::<2>();
    assert_eq!(features & 0b1_0110_1101, 0b1_0110_1101, "flush, FUA, trim, zeroes, many connections");
    assert_eq!(raw.take(124), [0; 124]);
    raw.say(&request(0, 0, 7, 0, 512));
    assert_eq!((raw.simple(), raw.take(512)), ((0, 7), vec![0; 512]));
    raw.say(&request(4, 0, 8, 0, 512));
    assert_eq!(raw.simple(), (22, 8), "no flag of structured replies without them");

    let mut raw = Raw::greeted(&server);
    raw.option(1, b"other");
    assert_eq!(raw.rest(), b"", "there is no other way to refuse them");
}

#[test]
fn holes_are_told_and_not_sent() {
    let disk = memory(8 * MIB);
    disk.write(MIB, pattern(3, 4096).into(), false).unwrap();
    let server = serve(disk);
    let mut raw = Raw::ready(&server, "disk", true);
    raw.say(&request(0, 0, 5, 0, 4 * MIB as u32));
    let hole = |offset: u64, bytes: u32| [&offset.to_be_bytes()[..], &bytes.to_be_bytes()].concat();
    let piece = |is_last, kind, content| Piece { is_last, kind, cookie: 5, content };
    let data = [&MIB.to_be_bytes()[..], &pattern(3, 4096)].concat();
    assert_eq!(raw.piece(), piece(false, 2, hole(0, MIB as u32)));
    assert_eq!(raw.piece(), piece(false, 1, data));
    assert_eq!(raw.piece(), piece(true, 2, hole(MIB + 4096, (3 * MIB) as u32 - 4096)));

    // A client that wants one piece gets the zeroes too.
    raw.say(&request(4, 0, 6, 0, 4 * MIB as u32));
    let whole = raw.piece();
    assert_eq!((whole.is_last, whole.kind, whole.content.len()), (true, 1, 8 + 4 * MIB as usize));

    let mut client = connect(&server);
    let mut back = vec![1; 4 * MIB as usize];
    client.read(0, &mut back).unwrap();
    assert!(back[..MIB as usize].iter().all(|byte| *byte == 0));
    assert_eq!(back[MIB as usize..MIB as usize + 4096], pattern(3, 4096));
    let run = |bytes, is_hole| AllocatedRun { bytes, is_hole };
    let expected = [run(MIB, true), run(4096, false), run(7 * MIB - 4096, true)];
    assert_eq!(client.runs(0, 8 * MIB).unwrap(), expected);
}

#[test]
fn one_run_is_told_to_who_wants_one_and_none_to_who_has_not_agreed_on_it() {
    let disk = memory(8 * MIB);
    disk.write(0, pattern(3, 4096).into(), false).unwrap();
    let exports = Exports::new("disk", "", disk).unwrap().and("other", "", memory(MIB)).unwrap();
    let server = serve_all(exports, ServerLimits::USUAL);
    let mut raw = Raw::greeted(&server);
    let context = [&text("disk")[..], &[0, 0, 0, 1], &text("base:allocation")].concat();
    raw.option(10, &context);
    assert_eq!(raw.reply().kind, 1 << 31 | 3, "structured replies come first");
    raw.option(8, &[]);
    raw.reply();
    raw.option(9, &[&text("disk")[..], &[0, 0, 0, 0]].concat());
    assert_eq!(raw.reply().content, b"\0\0\0\0base:allocation");
    assert_eq!(raw.reply().kind, 1);
    raw.option(10, &context);
    let id = raw.reply().content[..4].to_vec();
    assert_eq!(raw.reply().kind, 1);
    raw.option(7, &[&text("disk")[..], &[0, 0]].concat());
    while raw.reply().kind != 1 {}
    raw.say(&request(8, 7, 1, 0, 8 * MIB as u32));
    let one = raw.piece();
    assert_eq!((one.is_last, one.kind), (true, 5));
    assert_eq!(one.content, [&id[..], &4096_u32.to_be_bytes(), &[0; 4]].concat());

    // The context was set for the first disk, and the second is chosen.
    let mut raw = Raw::greeted(&server);
    raw.option(8, &[]);
    raw.reply();
    raw.option(10, &context);
    assert_eq!([raw.reply().kind, raw.reply().kind], [4, 1]);
    raw.option(7, &[&text("other")[..], &[0, 0]].concat());
    while raw.reply().kind != 1 {}
    raw.say(&request(8, 7, 1, 0, 512));
    let refused = raw.piece();
    assert_eq!((refused.kind, &refused.content[..4]), (0x8001, &22_u32.to_be_bytes()[..]));
}

#[test]
fn a_disk_that_takes_no_writes_is_read() {
    let server = serve(Arc::new(MemoryDisk::new(MIB).read_only()));
    let mut client = connect(&server);
    assert!(client.is_read_only());
    client.read(0, &mut [0; 512]).unwrap();
    assert_answered(client.write(0, &[1; 512], false), ErrorNumber::NotPermitted, "takes no writes");
    let refused = client.zero(0, 512, true, false).unwrap_err().to_string();
    assert_eq!(refused, "the server does not offer zeroes for this export");
    client.flush().unwrap();
}

#[test]
fn what_a_disk_cannot_do_is_told_and_the_conversation_goes_on() {
    let failing = |kind| Arc::new(Observed::new(MemoryDisk::new(4 * MIB)).failing_at(2 * MIB, kind));
    let kinds = [
        (io::ErrorKind::Other, ErrorNumber::Failed),
        (io::ErrorKind::InvalidInput, ErrorNumber::Failed),
        (io::ErrorKind::StorageFull, ErrorNumber::NoSpace),
        (io::ErrorKind::OutOfMemory, ErrorNumber::NoMemory),
        (io::ErrorKind::ReadOnlyFilesystem, ErrorNumber::NotPermitted),
        (io::ErrorKind::Unsupported, ErrorNumber::NotSupported),
    ];
    for (kind, number) in kinds {
        let server = serve(failing(kind));
        let mut client = connect(&server);
        client.write(0, &pattern(1, 4096), false).unwrap();
        assert_answered(client.write(2 * MIB, &[1; 4096], false), number, "the disk");
        assert_answered(client.zero(2 * MIB, 4096, true, false), number, "the disk");
        assert_answered(client.read(2 * MIB, &mut [0; 4096]), number, "the disk");
        let mut back = [0; 4096];
        client.read(0, &mut back).unwrap();
        assert_eq!(back[..], pattern(1, 4096));
    }
}

#[test]
fn a_disk_that_fails_in_the_middle_of_a_long_read_fails_it_after_the_first_pieces() {
    let disk = MemoryDisk::new(4 * MIB);
    disk.write(0, pattern(1, 4 * MIB as usize).into(), false).unwrap();
    let disk = Arc::new(Observed::new(disk).failing_at(2 * MIB, io::ErrorKind::Other));
    let server = serve(disk);
    let mut raw = Raw::ready(&server, "disk", true);
    raw.say(&request(0, 0, 9, 0, 4 * MIB as u32));
    let pieces: Vec<u16> = std::iter::from_fn(|| Some(raw.piece()))
        .scan(false, |over, piece| (!std::mem::replace(over, piece.is_last)).then_some(piece.kind))
        .take(9)
        .collect();
    assert_eq!(pieces, [1, 1, 1, 1, 1, 1, 1, 1, 0x8001]);

    let mut client = connect(&server);
    assert_answered(client.read(0, &mut vec![0; 4 * MIB as usize]), ErrorNumber::Failed, "the disk");
    client.read(0, &mut vec![0; 2 * MIB as usize]).unwrap();
}

#[test]
fn requests_that_are_wrong_are_refused_before_the_disk_hears_of_them() {
    let disk = Arc::new(Observed::new(MemoryDisk::new(MIB)));
    let server = serve(disk.clone());
    let mut raw = Raw::ready(&server, "disk", false);
    let long = (32 << 20) + 512;
    // Flags, command, offset, length, and the error.
    let wrong = [
        (0, 0, 1, 512, 22),
        (0, 0, 0, 511, 22),
        (0, 0, 0, 0, 22),
        (0, 0, MIB, 512, 22),
        (0, 0, u64::MAX - 511, 512, 22),
        (0, 0, 0, long, 22),
        (0x80, 0, 0, 512, 22),
        (2, 0, 0, 512, 22),
        (0, 1, MIB, 512, 28),
        (0, 1, MIB - 512, 1024, 28),
        (0, 1, 3, 512, 22),
        (0, 1, 0, 100, 22),
        (0, 1, 0, long, 22),
        (2, 1, 0, 512, 22),
        (0, 3, 512, 0, 22),
        (0, 4, 0, 2 << 20, 28),
        (0, 4, 512, 0, 22),
        (16, 6, 0, 512, 22),
        (0, 6, MIB, 512, 28),
        (0, 7, 0, 512, 22),
        (0, 8, 0, 512, 22),
        (0, 999, 0, 512, 22),
    ];
    for (number, (flags, command, offset, length, error)) in (1..).zip(wrong) {
        raw.say(&request(flags, command, number, offset, length));
        if command == 1 {
            raw.say(&vec![1; length as usize]);
        }
        assert_eq!(raw.simple(), (error, number), "{flags:#x} {command} {offset} {length}");
    }
    assert_eq!(disk.asked(), []);
    raw.say(&request(1, 5, 99, 0, 512));
    assert_eq!(raw.simple(), (0, 99), "while what is right is done");
}
