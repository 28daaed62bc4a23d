//! What can be wrong with what a node finds: it is named, nothing that was durable is lost, and when it is mended the node goes on.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::estate::{Estate, name_of};
use crate::layout::NODES;

const MIB: u64 = 1 << 20;
const DISK: u64 = 16 * MIB;
const AGENT: usize = 0;
const PROCESS_SERVER: usize = 1;
const TARGET: usize = 2;
const VAULT: usize = 3;

/// What LZ4 makes no smaller, the same for the same seed.
fn noise(seed: u64, bytes: u64) -> Vec<u8> {
    let mut state = seed;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    (0..bytes / 4).flat_map(|_| word().to_le_bytes()).collect()
}

fn protected() -> Estate {
    let estate = Estate::with_disk(DISK);
    estate.protect();
    estate.until("there is a point", || estate.points().last().cloned());
    estate
}

fn write(estate: &Estate, at: u64, bytes: &[u8]) {
    let mut disk = estate.until("the disk is served", || estate.disk());
    disk.write(at, bytes, true).unwrap();
    disk.disconnect().unwrap();
}

/// What the newest point holds; `None` while there is none.
fn newest_point(estate: &Estate) -> Option<Vec<u8>> {
    let newest = name_of(estate.points().last()?);
    Some(estate.at_point(&newest, |disk| {
        let mut bytes = vec![0; DISK as usize];
        for (step, part) in bytes.chunks_mut(1 << 20).enumerate() {
            disk.read(step as u64 * MIB, part).unwrap();
        }
        bytes
    }))
}

/// Waits until the newest point is what the machine's image holds.
fn until_they_match(estate: &Estate) {
    let image = std::fs::read(estate.path("disk.raw")).unwrap();
    estate.until("the newest point holds what the image holds", || {
        (newest_point(estate)? == image).then_some(())
    });
}

/// The newest segment of a store.
fn last_segment(store: &Path) -> PathBuf {
    let entries = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap()
}

fn store_of(estate: &Estate, node: usize) -> PathBuf {
    estate.path(
        [
            "agent/machine-0/agent",
            "process-server/process-server-0",
            "target/target-recovery",
            "vault/control",
        ][node],
    )
}

/// A disk of a node is full while the machine writes: the node says so and acknowledges nothing that it does not keep; when there
/// is room it goes on, in the same life or in the next one.
fn a_full_disk(node: usize, role: &str, is_killed: bool) {
    let estate = protected();
    write(&estate, 0, &noise(1, 2 * MIB));
    until_they_match(&estate);
    let before = newest_point(&estate).unwrap();

    // Room for what it has, also for its log, and for little more.
    let grown = std::fs::metadata(last_segment(&store_of(&estate, node))).unwrap().len();
    estate.limit_files(node, Some(grown.max(estate.log(NODES[node]).len() as u64) + 64 * 1024));
    write(&estate, 4 * MIB, &noise(2, 4 * MIB));
    let failing = format!("switchback_store_failing{{role=\"{role}\"}} 1");
    estate.until("it tells Prometheus", || estate.figures(node).contains(&failing).then_some(()));
    assert!(estate.log(NODES[node]).contains("the store keeps nothing"), "{}", estate.log(NODES[node]));
    if node == TARGET {
        assert!(newest_point(&estate).is_some_and(|now| now == before), "no point holds what is not durable");
    }

    match is_killed {
        true => {
            estate.kill(node);
            estate.start(node);
        }
        false => estate.limit_files(node, None),
    }
    until_they_match(&estate);
    let healed = format!("switchback_store_failing{{role=\"{role}\"}} 0");
    estate.until("its store keeps records again", || estate.figures(node).contains(&healed).then_some(()));
}

#[test]
fn a_target_with_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    a_full_disk(TARGET, "target-recovery", false);
}

#[test]
fn a_target_that_is_killed_with_a_full_disk_loses_nothing() {
    a_full_disk(TARGET, "target-recovery", true);
}

#[test]
fn a_process_server_with_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    a_full_disk(PROCESS_SERVER, "process-server-0", false);
}

#[test]
fn a_process_server_that_is_killed_with_a_full_disk_loses_nothing() {
    a_full_disk(PROCESS_SERVER, "process-server-0", true);
}

#[test]
fn a_write_that_finds_no_room_is_refused_and_the_replica_gets_what_is_there() {
    let estate = protected();
    write(&estate, 0, &noise(1, DISK));
    until_they_match(&estate);
    estate.limit_files(AGENT, Some(8 * MIB));
    let mut disk = estate.disk().unwrap();
    // Half of it fits.
    let refused = disk.write(8 * MIB - 4096, &noise(2, 8192), true).unwrap_err().to_string();
    assert!(refused.contains("ENOSPC"), "{refused}");
    disk.disconnect().unwrap();
    let mut there = [0; 8192];
    File::open(estate.path("disk.raw")).unwrap().read_exact_at(&mut there, 8 * MIB - 4096).unwrap();
    assert!(there[..4096] == noise(2, 8192)[..4096] && there[4096..] != noise(2, 8192)[4096..], "half of it");
    until_they_match(&estate);
    estate.limit_files(AGENT, None);
    write(&estate, 8 * MIB - 4096, &noise(2, 8192));
    until_they_match(&estate);
}

#[test]
fn a_replica_without_room_gets_what_it_missed_when_there_is_room() {
    let estate = Estate::with_disk(DISK);
    estate.protect_keeping("2s");
    estate.until("there is a point", || estate.points().last().cloned());
    // What lies behind this cannot be folded into the replica disk when its points are given up.
    estate.limit_files(TARGET, Some(12 * MIB));
    write(&estate, 13 * MIB, &noise(1, 2 * MIB));
    estate.until("it says so", || {
        estate.log(NODES[TARGET]).contains("does not do what is asked").then_some(())
    });
    until_they_match(&estate);
    estate.limit_files(TARGET, None);
    let image = std::fs::read(estate.path("disk.raw")).unwrap();
    let replica = estate.path("replicas/0-0.replica");
    estate.until("it is folded", || (std::fs::read(&replica).unwrap() == image).then_some(()));
    until_they_match(&estate);
}

#[test]
fn a_disk_that_shrank_is_not_served_and_is_compared_when_it_is_as_large_as_before() {
    let estate = protected();
    write(&estate, 0, &noise(1, DISK));
    until_they_match(&estate);
    estate.stop(AGENT);
    let image = File::options().write(true).open(estate.path("disk.raw")).unwrap();
    image.set_len(DISK - 4096).unwrap();
    let said = estate.start_in_vain(AGENT);
    assert!(said.contains("disk.raw: the disk had 32768 sectors, and has 32760"), "{said}");
    // The end of it is gone: that is what the replica must have too.
    image.set_len(DISK).unwrap();
    estate.start(AGENT);
    until_they_match(&estate);
}

#[test]
fn a_replica_that_shrank_is_named_and_its_target_goes_on_when_it_is_back() {
    let estate = protected();
    write(&estate, 0, &noise(1, MIB));
    until_they_match(&estate);
    estate.stop(TARGET);
    let replica = File::options().write(true).open(estate.path("replicas/0-0.replica")).unwrap();
    replica.set_len(DISK / 2).unwrap();
    let said = estate.start_in_vain(TARGET);
    assert!(said.contains("the replica disk was made with 32768 sectors, and has 16384"), "{said}");
    replica.set_len(DISK).unwrap();
    estate.start(TARGET);
    until_they_match(&estate);
}

#[test]
fn a_disk_that_was_written_to_while_the_machine_was_off_is_compared() {
    let estate = protected();
    write(&estate, 0, &noise(1, 4 * MIB));
    until_they_match(&estate);
    estate.stop(AGENT);
    let image = File::options().write(true).open(estate.path("disk.raw")).unwrap();
    image.write_all_at(&noise(3, 8192), 2 * MIB + 512).unwrap();
    estate.start(AGENT);
    assert!(estate.log(NODES[AGENT]).contains("written to while it was off"), "{}", estate.log(NODES[AGENT]));
    until_they_match(&estate);
    // Nothing is compared when nobody wrote.
    estate.stop(AGENT);
    let before = estate.log(NODES[AGENT]).len();
    estate.start(AGENT);
    write(&estate, MIB, &noise(4, 4096));
    until_they_match(&estate);
    let said = estate.log(NODES[AGENT])[before..].to_owned();
    assert!(!said.contains("written to while it was off") && !said.contains("ResyncStarted"), "{said}");
}

#[test]
fn a_disk_that_grew_while_the_machine_was_off_is_replicated_as_large_as_it_is() {
    let estate = protected();
    write(&estate, 0, &noise(1, MIB));
    until_they_match(&estate);
    estate.stop(AGENT);
    let image = File::options().write(true).open(estate.path("disk.raw")).unwrap();
    image.set_len(DISK + 8 * MIB).unwrap();
    image.write_all_at(&noise(2, MIB), DISK + 4 * MIB).unwrap();
    estate.start(AGENT);
    write(&estate, DISK + 6 * MIB, &noise(3, MIB));
    let image = std::fs::read(estate.path("disk.raw")).unwrap();
    estate.until("a point is as large and holds it all", || {
        let newest = name_of(estate.points().last()?);
        estate.at_point(&newest, |disk| {
            let mut bytes = vec![0; disk.size_bytes() as usize];
            for (step, part) in bytes.chunks_mut(1 << 20).enumerate() {
                disk.read(step as u64 * MIB, part).unwrap();
            }
            (bytes == image).then_some(())
        })
    });
}

#[test]
fn an_image_of_another_disk_is_not_served_and_not_replicated() {
    let estate = protected();
    write(&estate, 0, &noise(1, MIB));
    until_they_match(&estate);
    let before = newest_point(&estate).unwrap();
    estate.stop(AGENT);
    let (image, aside) = (estate.path("disk.raw"), estate.path("aside.raw"));
    std::fs::rename(&image, &aside).unwrap();
    File::create(&image).unwrap().set_len(DISK).unwrap();
    let said = estate.start_in_vain(AGENT);
    assert!(said.contains("disk.raw: this is another disk: the mark \"agent-0-primary/disk-0 "), "{said}");
    std::fs::rename(&aside, &image).unwrap();
    estate.start(AGENT);
    assert!(newest_point(&estate).unwrap() == before);
    write(&estate, 4 * MIB, &noise(2, MIB));
    until_they_match(&estate);
}

#[test]
fn a_store_of_another_role_is_not_taken() {
    let estate = protected();
    write(&estate, 0, &noise(1, MIB));
    until_they_match(&estate);
    [PROCESS_SERVER, VAULT].iter().for_each(|node| estate.stop(*node));
    let [server, vault] = [PROCESS_SERVER, VAULT].map(|node| store_of(&estate, node));
    let aside = estate.path("aside");
    let swap = || {
        std::fs::rename(&server, &aside).unwrap();
        std::fs::rename(&vault, &server).unwrap();
        std::fs::rename(&aside, &vault).unwrap();
    };
    swap();
    let said = estate.start_in_vain(PROCESS_SERVER);
    assert!(said.contains("the store of process-server-0 was expected, found that of control"), "{said}");
    let said = estate.start_in_vain(VAULT);
    assert!(said.contains("the store of control was expected, found that of process-server-0"), "{said}");
    swap();
    [PROCESS_SERVER, VAULT].iter().for_each(|node| estate.start(*node));
    write(&estate, 4 * MIB, &noise(2, MIB));
    until_they_match(&estate);
}

#[test]
fn a_damaged_segment_is_named_and_nothing_of_it_is_cut_off() {
    let estate = protected();
    write(&estate, 0, &noise(1, 4 * MIB));
    until_they_match(&estate);
    estate.stop(TARGET);
    let segment = last_segment(&store_of(&estate, TARGET));
    let whole = std::fs::read(&segment).unwrap();
    let at = whole.len() as u64 / 2;
    let file = File::options().write(true).open(&segment).unwrap();
    file.write_all_at(&[whole[at as usize] ^ 0x40], at).unwrap();
    let said = estate.start_in_vain(TARGET);
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(
        said.contains(name) && said.contains("is damaged") && said.contains("nothing was cut off"),
        "{said}"
    );
    assert_eq!(std::fs::metadata(&segment).unwrap().len(), whole.len() as u64);
    file.write_all_at(&[whole[at as usize]], at).unwrap();
    estate.start(TARGET);
    write(&estate, 8 * MIB, &noise(2, MIB));
    until_they_match(&estate);
}

#[test]
fn a_log_that_lost_its_end_is_named_and_goes_on_when_it_is_back() {
    let estate = protected();
    write(&estate, 0, &noise(1, 4 * MIB));
    until_they_match(&estate);
    estate.stop(TARGET);
    let segment = last_segment(&store_of(&estate, TARGET));
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() * 3 / 4]).unwrap();
    let said = estate.start_in_vain(TARGET);
    let closed = format!("the store was closed with {} bytes in it", whole.len());
    assert!(said.contains(&closed) && said.contains("is damaged"), "{said}");
    std::fs::write(&segment, &whole).unwrap();
    estate.start(TARGET);
    write(&estate, 8 * MIB, &noise(2, MIB));
    until_they_match(&estate);
}

#[test]
fn a_torn_end_is_cut_off_and_sent_again() {
    let estate = protected();
    write(&estate, 0, &noise(1, 4 * MIB));
    until_they_match(&estate);
    estate.kill(TARGET);
    let segment = last_segment(&store_of(&estate, TARGET));
    // Of the next record only the beginning got to the disk.
    let torn = File::options().append(true).open(&segment).unwrap();
    let at = torn.metadata().unwrap().len();
    torn.write_all_at(&noise(9, 1000), at).unwrap();
    write(&estate, 8 * MIB, &noise(2, MIB));
    estate.start(TARGET);
    assert!(estate.log(NODES[TARGET]).contains("torn_bytes=1000"), "{}", estate.log(NODES[TARGET]));
    until_they_match(&estate);
}

/// A file system of its own that is full in earnest, which takes root.
#[test]
fn a_target_whose_file_system_is_full_says_so_and_goes_on_when_there_is_room() {
    let estate = protected();
    estate.stop(TARGET);
    let store = store_of(&estate, TARGET);
    let Some(small) = SmallFileSystem::over(&store, 4 * MIB) else {
        println!("SKIPPED: nobody may mount a file system here, so none was full in earnest");
        return;
    };
    estate.start(TARGET);
    until_they_match(&estate);
    write(&estate, 0, &noise(1, 8 * MIB));
    let failing = "switchback_store_failing{role=\"target-recovery\"} 1";
    estate.until("it tells Prometheus", || estate.figures(TARGET).contains(failing).then_some(()));
    assert!(estate.log(NODES[TARGET]).contains("No space left on device"), "{}", estate.log(NODES[TARGET]));
    estate.kill(TARGET);
    estate.start(TARGET);
    estate.until("it tells so again", || estate.figures(TARGET).contains(failing).then_some(()));
    small.resize(64 * MIB);
    until_they_match(&estate);
    estate.stop(TARGET);
}

/// A small file system in memory in place of a directory, with what that held.
struct SmallFileSystem(PathBuf);

impl SmallFileSystem {
    fn over(directory: &Path, bytes: u64) -> Option<Self> {
        let aside = directory.with_extension("aside");
        std::fs::rename(directory, &aside).unwrap();
        std::fs::create_dir(directory).unwrap();
        let is_mounted = mount(&format!("size={bytes}"), directory);
        for entry in std::fs::read_dir(&aside).unwrap().map(Result::unwrap) {
            std::fs::copy(entry.path(), directory.join(entry.file_name())).unwrap();
        }
        is_mounted.then(|| Self(directory.to_owned()))
    }

    fn resize(&self, bytes: u64) {
        assert!(mount(&format!("remount,size={bytes}"), &self.0));
    }
}

fn mount(options: &str, directory: &Path) -> bool {
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(directory).output();
    mount.is_ok_and(|mount| mount.status.success())
}

impl Drop for SmallFileSystem {
    fn drop(&mut self) {
        // Whoever still has it open keeps it until he ends.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}
