//! Letters between nodes with certificates: they arrive, and nobody speaks as somebody else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};

use switchback_engine::role::Address;
use switchback_engine::{Message, Site};
use switchback_live::links::{Letter, Links, listen};
use switchback_live::pki::{Authority, Credentials, Validity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TARGET: Address = Address::Target(Site::Recovery);
const SERVER: Address = Address::ProcessServer(0);

fn credentials(authority: &Authority, folder: &Path, node: &str, role: &str) -> Credentials {
    Credentials::load(&authority.issue(folder, node, &[role], Validity::days(1)).unwrap()).unwrap()
}

fn letter(generation: u64) -> Letter {
    Letter::Message(Message::MarkerWanted { generation })
}

/// From whom the next letter is, and what it says.
fn next(delivered: &mpsc::Receiver<(Address, Letter)>) -> (Address, u64) {
    match delivered.recv_timeout(std::time::Duration::from_secs(30)).unwrap() {
        (from, Letter::Message(Message::MarkerWanted { generation })) => (from, generation),
        (from, other) => panic!("{from:?} said {other:?}"),
    }
}

/// A target that listens with its certificate, and the way to it of a node that has only the role of a process server.
async fn target_and_server(folder: &Path) -> (Links, mpsc::Receiver<(Address, Letter)>) {
    let authority = Authority::create(&folder.join("ca"), Validity::days(1)).unwrap();
    let at_target = credentials(&authority, folder, "away", "target-recovery");
    let at_server = credentials(&authority, folder, "home", "process-server-0");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    let (deliver, delivered) = mpsc::channel();
    let deliver = std::sync::Mutex::new(deliver);
    tokio::spawn(listen(
        listener,
        Some(at_target),
        Arc::new(move |from, _, letter| deliver.lock().unwrap().send((from, letter)).unwrap_or_default()),
    ));
    (Links::to(&BTreeMap::from([(TARGET, socket)]), &Some(at_server)), delivered)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_with_a_certificate_arrives_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (links, delivered) = target_and_server(folder.path()).await;
    (1..=100).for_each(|generation| links.send(SERVER, TARGET, letter(generation)));
    for generation in 1..=100 {
        assert_eq!(next(&delivered), (SERVER, generation));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_words_to_a_node_that_is_not_there_yet_are_heard_when_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let links = Links::to(&BTreeMap::from([(TARGET, listener.local_addr().unwrap())]), &None);
    links.send(SERVER, TARGET, letter(1));
    drop(listener.accept().await.unwrap());
    links.send(SERVER, TARGET, letter(2));
    let (deliver, delivered) = mpsc::channel();
    let deliver = std::sync::Mutex::new(deliver);
    tokio::spawn(listen(
        listener,
        None,
        Arc::new(move |from, _, letter| deliver.lock().unwrap().send((from, letter)).unwrap_or_default()),
    ));
    assert_eq!(next(&delivered), (SERVER, 1));
    assert_eq!(next(&delivered), (SERVER, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_as_somebody_else_is_cut_off_and_may_come_again_as_himself() {
    let folder = tempfile::tempdir().unwrap();
    let (links, delivered) = target_and_server(folder.path()).await;
    links.send(SERVER, TARGET, letter(1));
    assert_eq!(next(&delivered), (SERVER, 1));
    // Its certificate does not name it so.
    links.send(Address::Control, TARGET, letter(2));
    // Letters go with the connection that is cut off, so one of these is the first of the next.
    let mut generation = 3;
    let heard = loop {
        links.send(SERVER, TARGET, letter(generation));
        generation += 1;
        match delivered.recv_timeout(std::time::Duration::from_millis(50)) {
            Ok(heard) => break heard,
            Err(_) => assert!(generation < 600, "it is not heard again"),
        }
    };
    assert!(
        matches!(heard, (SERVER, Letter::Message(Message::MarkerWanted { generation: 3.. }))),
        "{heard:?}"
    );
}

/// What is said first to whoever answers with a greeting, and what is said after that.
async fn met_by(greeting: &[u8; 8]) -> (Links, [u8; 8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let links = Links::to(&BTreeMap::from([(TARGET, listener.local_addr().unwrap())]), &None);
    links.send(SERVER, TARGET, letter(1));
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(greeting).await.unwrap();
    let mut said = [0; 8];
    stream.read_exact(&mut said).await.unwrap();
    let mut rest = Vec::new();
    if *greeting != said {
        stream.read_to_end(&mut rest).await.unwrap();
    }
    assert!(rest.is_empty(), "nothing is told to who speaks another version");
    (links, said)
}

async fn until_refused(links: &Links, is_refused: bool) {
    for _ in 0..3000 {
        if links.load().all(|(_, load)| load.is_refused == is_refused) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the way to the target: {:?}", links.load().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_an_older_version_is_told_nothing_and_that_is_seen() {
    let (links, said) = met_by(b"SWBKLK00").await;
    assert_eq!(said, *b"SWBKLK01");
    until_refused(&links, true).await;
    let (links, _) = met_by(b"SWBKLK01").await;
    until_refused(&links, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_an_older_version_is_not_listened_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    tokio::spawn(listen(listener, None, Arc::new(|_, _, letter| panic!("{letter:?} was delivered"))));
    let mut stream = tokio::net::TcpStream::connect(socket).await.unwrap();
    stream.write_all(b"SWBKLK00").await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, b"SWBKLK01", "it says what it speaks, and hangs up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_a_certificate_of_another_authority_is_not_spoken_with_and_that_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, other] = ["ours", "other"]
        .map(|name| Authority::create(&folder.path().join(name), Validity::days(1)).unwrap());
    let at_target = credentials(&other, folder.path(), "away", "target-recovery");
    let at_server = credentials(&ours, folder.path(), "home", "process-server-0");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    let deliver = Arc::new(|_, _, letter| panic!("{letter:?} was delivered"));
    tokio::spawn(listen(listener, Some(at_target), deliver));
    let links = Links::to(&BTreeMap::from([(TARGET, socket)]), &Some(at_server));
    links.send(SERVER, TARGET, letter(1));
    until_refused(&links, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_replaced_while_a_node_runs() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, other] = ["ours", "other"]
        .map(|name| Authority::create(&folder.path().join(name), Validity::days(1)).unwrap());
    let at_target = credentials(&ours, folder.path(), "away", "target-recovery");
    let at_server = credentials(&other, folder.path(), "home", "process-server-0");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    let (deliver, delivered) = mpsc::channel();
    let deliver = std::sync::Mutex::new(deliver);
    tokio::spawn(listen(
        listener,
        Some(at_target),
        Arc::new(move |from, _, letter| deliver.lock().unwrap().send((from, letter)).unwrap_or_default()),
    ));
    let links = Links::to(&BTreeMap::from([(TARGET, socket)]), &Some(at_server.clone()));
    links.send(SERVER, TARGET, letter(1));
    until_refused(&links, true).await;
    at_server.replace(&credentials(&ours, folder.path(), "home-again", "process-server-0"));
    // What is said while nobody listens is lost.
    for generation in 2.. {
        links.send(SERVER, TARGET, letter(generation));
        if delivered.recv_timeout(std::time::Duration::from_millis(50)).is_ok() {
            break;
        }
        assert!(generation < 600, "it is not heard");
    }
    until_refused(&links, false).await;
}
