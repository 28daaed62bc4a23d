//! The real programs that judge a restored machine: e2fsck, debugfs, sqlite3 and PostgreSQL's own recovery.
//!
//! Nothing is mounted and nothing needs root: journals are replayed by e2fsck and files are taken out by debugfs. Knows nothing of
//! replication.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::image::Disks;

/// The version that made the recorded cluster; no other can read it.
const POSTGRES_MAJOR: &str = "15";
/// Somebody who is not root: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

/// What a ledger must be like, in the SQL that both databases understand: a line of its figures.
const LEDGER: &str = "SELECT 'found:' || (SELECT count(*) FROM ledger) || '|' || (SELECT coalesce(max(n), 0) FROM ledger) \
    || '|' || (SELECT count(*) FROM (SELECT n, chain, lag(chain, 1, CAST(7 AS bigint)) OVER (ORDER BY n) AS before FROM ledger) \
    AS links WHERE chain <> (before * 31 + n) % 1000000007) || '|' || (SELECT sum(touched) FROM account) \
    || '|' || (SELECT sum(balance) FROM account) || '|' || (SELECT count(*) FROM account);";

/// PostgreSQL's own checks of every index and every table, from its extension amcheck.
const AMCHECK: &str = "SELECT 'index:' || count(*) FROM (SELECT bt_index_check(oid, true) FROM pg_class WHERE relkind = 'i' \
    AND relam = 403) AS checked;\nSELECT 'damage:' || count(*) FROM pg_class AS c, LATERAL verify_heapam(c.oid) AS v \
    WHERE c.relkind IN ('r', 't', 'm');";

/// Where the programs are.
#[derive(Debug)]
pub struct Programs {
    postgres: PathBuf,
}

/// Who found something wrong, and what.
pub type Complaints = BTreeMap<&'static str, String>;

impl Programs {
    /// The programs that are here.
    ///
    /// # Errors
    /// What is missing, in a sentence.
    pub fn find() -> Result<Self, String> {
        let missing: Vec<_> =
            ["xz", "e2fsck", "debugfs", "sqlite3"].into_iter().filter(|name| which(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(format!("not installed: {}", missing.join(", ")));
        }
        let packaged = PathBuf::from(format!("/usr/lib/postgresql/{POSTGRES_MAJOR}/bin/postgres"));
        let found = [Some(packaged), which("postgres")].into_iter().flatten().find(|path| path.is_file());
        let postgres = found.ok_or_else(|| format!("not installed: postgresql-{POSTGRES_MAJOR}"))?;
        let version =
            said(&Command::new(&postgres).arg("--version").output().map_err(|error| error.to_string())?);
        if !version.contains(&format!(") {POSTGRES_MAJOR}.")) {
            return Err(format!("expected PostgreSQL {POSTGRES_MAJOR}, found {}", version.trim()));
        }
        Ok(Self { postgres })
    }

    /// Checks a restored machine. `promised` says how many transactions a database must still have.
    pub fn check(&self, disks: &Disks, promised: impl Fn(&str) -> u64) -> Complaints {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("own folder");
        let mut complaints = Complaints::new();
        for (bytes, name) in disks.iter().zip(["data", "wal"]) {
            let image = folder.path().join(format!("{name}.img"));
            write_sparse(&image, bytes);
            if let Err(what) = check_file_system(&image) {
                complaints.entry("e2fsck").or_insert_with(|| format!("{name}: {what}"));
            }
            extract(&image, &folder.path().join(name));
        }
        for (who, file) in [("sqlite-delete", "delete.db"), ("sqlite-wal", "wal.db")] {
            let database = folder.path().join("data/sqlite").join(file);
            if let Err(what) = check_sqlite(&database, promised(who)) {
                complaints.insert(who, what);
            }
        }
        if let Err(what) = self.check_postgres(&folder, promised("postgres")) {
            complaints.insert("postgres", what);
        }
        complaints
    }

    /// Lets PostgreSQL recover what it finds, in single-user mode, and asks it.
    fn check_postgres(&self, folder: &TempDir, promised: u64) -> Result<(), String> {
        let data = folder.path().join("data/pg");
        let wal = data.join("pg_wal");
        // The recording's link leads to where its disk was mounted.
        fs::remove_file(&wal)
            .and_then(|()| symlink(folder.path().join("wal/pg_wal"), &wal))
            .map_err(|error| format!("pg_wal: {error}"))?;
        let mut command = Command::new(&self.postgres);
        // Fsync is off: this copy is thrown away.
        command.args(["--single", "-F", "-D"]).arg(&data).arg("template1");
        if fs::metadata(folder.path()).is_ok_and(|folder| folder.uid() == 0) {
            run(
                Command::new("chown")
                    .args(["-R", &format!("{NOBODY}:{NOBODY}")])
                    .arg(&data)
                    .arg(folder.path().join("wal")),
                "",
            );
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = run(&mut command, &format!("{LEDGER}\n{AMCHECK}\n"));
        let said = said(&output);
        let trouble = said
            .lines()
            .find(|line| ["ERROR:", "FATAL:", "PANIC:", "WARNING:"].iter().any(|level| line.contains(level)));
        if let Some(trouble) = trouble {
            return Err(trouble.to_owned());
        }
        if !output.status.success() || !said.contains("\"index:") || !said.contains("\"damage:0\"") {
            return Err(format!("{}: {}", output.status, said.lines().last().unwrap_or_default()));
        }
        check_ledger(&said, promised)
    }
}

fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn program(name: &str) -> Command {
    Command::new(which(name).expect("looked for before"))
}

fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .spawn()
        .expect("it starts");
    // A program that has given up does not read.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn write_sparse(path: &Path, bytes: &[u8]) {
    const PIECE: usize = 64 << 10;
    let mut file = fs::File::create(path).expect("room for an image");
    file.set_len(bytes.len() as u64).expect("room for an image");
    for (at, piece) in
        bytes.chunks(PIECE).enumerate().filter(|(_, piece)| piece.iter().any(|byte| *byte != 0))
    {
        file.seek(SeekFrom::Start((at * PIECE) as u64))
            .and_then(|_| file.write_all(piece))
            .expect("room for an image");
    }
}

/// The journal is replayed, as a mount would do it; after that nothing may be wrong.
fn check_file_system(image: &Path) -> Result<(), String> {
    let replayed = run(program("e2fsck").args(["-y", "-E", "journal_only"]).arg(image), "");
    if replayed.status.code().is_none_or(|code| code > 1) {
        return Err(format!("replay: {}", said(&replayed).trim()));
    }
    let checked = run(program("e2fsck").args(["-f", "-n"]).arg(image), "");
    if checked.status.success() { Ok(()) } else { Err(said(&checked).trim().to_owned()) }
}

fn extract(image: &Path, into: &Path) {
    fs::create_dir(into).expect("own folder");
    run(program("debugfs").arg("-R").arg(format!("rdump / {}", into.display())).arg(image), "");
}

fn check_sqlite(database: &Path, promised: u64) -> Result<(), String> {
    if !database.is_file() {
        return Err("the file is gone".to_owned());
    }
    let output =
        run(program("sqlite3").arg("-batch").arg(database), &format!("PRAGMA integrity_check;\n{LEDGER}\n"));
    let said = said(&output);
    match said.lines().next() {
        Some("ok") if output.status.success() => check_ledger(&said, promised),
        _ => Err(said.lines().next().unwrap_or("says nothing").to_owned()),
    }
}

/// The ledger is a chain without a gap, no transaction is half there, and none that was promised is missing.
fn check_ledger(said: &str, promised: u64) -> Result<(), String> {
    let figures =
        said.split_once("found:").map(|(_, rest)| rest.split(['"', '\n']).next().unwrap_or_default());
    let figures = figures
        .ok_or_else(|| format!("says nothing of its ledger: {}", said.lines().next().unwrap_or_default()))?;
    let numbers: Vec<i64> = figures.split('|').filter_map(|figure| figure.parse().ok()).collect();
    let [count, last, broken, touched, balance, accounts] = numbers[..] else {
        return Err(format!("says {figures}"));
    };
    let is_whole = count == last && broken == 0 && touched == 2 * last && balance == 0 && accounts == 400;
    if !is_whole {
        return Err(format!(
            "{count} entries up to {last}, {broken} broken links, {touched} touches, balance {balance}, {accounts} accounts"
        ));
    }
    // One more may have been under way: durable, and not yet promised.
    if last < promised as i64 || last > promised as i64 + 1 {
        return Err(format!("{last} transactions, and {promised} were promised"));
    }
    Ok(())
}
