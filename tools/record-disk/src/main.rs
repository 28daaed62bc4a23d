//! Serves disk images over NBD on a Unix socket and records every write, flush and mark in one order that all disks share.
//!
//! Owns the recording while it is made: what the disks held at first, then events in the order in which they were completed. A
//! request is answered only after its event is in the recording, so any prefix of it is a state that a power failure may leave. It
//! knows nothing of file systems, of databases or of who replicates what it records.

mod nbd;
mod recording;

use std::io::{self, BufRead, BufWriter, Write as _};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::{env, fs, thread};

use recording::Recording;

const USAGE: &str = "usage: record-disk SOCKET RECORDING IMAGE...
Serves each IMAGE as the NBD export disk0, disk1, ... on SOCKET, and writes what becomes of them to RECORDING; the images themselves
stay as they are. Every line on standard input is a mark in the recording, and \"end\" ends it: RECORDING exists once it is whole. What is
written afterwards is served and not recorded, until standard input ends.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [socket, recording, images @ ..] = arguments.as_slice() else {
        say(USAGE);
        return ExitCode::from(2);
    };
    match record(socket, recording, images) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("record-disk: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // If nobody can be told, nobody can be told that either.
    let _ = writeln!(io::stderr(), "{line}");
}

fn record(socket: &str, path: &str, images: &[String]) -> io::Result<()> {
    let disks = images.iter().map(|image| read_image(image)).collect::<io::Result<Vec<_>>>()?;
    let unfinished = format!("{path}.part");
    let out = BufWriter::new(fs::File::create(&unfinished)?);
    let recording = Arc::new(Mutex::new(Recording::begin(Box::new(out), disks)?));
    let listener = UnixListener::bind(socket)?;
    let served = Arc::clone(&recording);
    #[expect(clippy::disallowed_methods, reason = "a recorder serves several disks at once")]
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let recording = Arc::clone(&served);
            thread::spawn(move || {
                if let Err(error) = nbd::serve(client, &recording) {
                    say(&format!("record-disk: {error}"));
                }
            });
        }
    });
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            "end" => {
                recording::locked(&recording)?.end()?;
                fs::rename(&unfinished, path)?;
            }
            mark => recording::locked(&recording)?.mark(mark)?,
        }
    }
    Ok(())
}

fn read_image(path: &str) -> io::Result<Vec<u8>> {
    let image = fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    if image.is_empty() || !image.len().is_multiple_of(recording::BLOCK) {
        let what = format!(
            "{path}: expected whole blocks of {} bytes, found {} bytes",
            recording::BLOCK,
            image.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(image)
}
