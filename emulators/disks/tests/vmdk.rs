//! VMDKs, written, read back, and held against what QEMU makes of them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use switchback_disks::vmdk::{Descriptor, Extent, ExtentKind, StreamReader, StreamWriter, VmdkError};
use switchback_disks::{ByteFile, Image};

const GRAIN: usize = 64 << 10;

/// A disk of so many grains, of which some hold something.
fn disk(grains: usize, tail_sectors: usize, held: &[(usize, u8)]) -> ByteFile {
    let mut file = ByteFile::new((grains * GRAIN + tail_sectors * 512) as u64);
    for (at, seed) in held {
        let at = at % file.bytes().max(1) as usize;
        let length = (file.bytes() as usize - at).min(3_000);
        let bytes: Vec<u8> = (0..length).map(|i| (i as u8).wrapping_mul(*seed) ^ seed).collect();
        file.write(at as u64, &bytes);
    }
    file
}

fn bytes(file: &mut ByteFile) -> Vec<u8> {
    let image = file.image();
    let mut bytes = vec![0; image.bytes() as usize];
    image.read(0, &mut bytes);
    bytes
}

fn stream(file: &mut ByteFile) -> Vec<u8> {
    StreamWriter::new(Arc::new(file.image()), "disk.vmdk").flatten().collect()
}

fn unpacked(stream: &[u8], piece: usize) -> Result<Vec<u8>, VmdkError> {
    let mut reader = StreamReader::new();
    let mut grains = Vec::new();
    for piece in stream.chunks(piece) {
        grains.extend(reader.push(piece)?);
    }
    reader.finish()?;
    let mut bytes = vec![0; reader.disk_bytes().expect("its head was read") as usize];
    for grain in grains {
        bytes[grain.at as usize..][..grain.bytes.len()].copy_from_slice(&grain.bytes);
    }
    Ok(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_goes_into_a_stream_comes_out_of_it(
        grains in 0_usize..20,
        tail in 1_usize..128,
        held in prop::collection::vec((0_usize..2_000_000, 1_u8..), 0..6),
        piece in 1_usize..70_000,
    ) {
        let mut file = disk(grains, tail, &held);
        let stream = stream(&mut file);
        prop_assert_eq!(stream.len() % 512, 0);
        prop_assert_eq!(unpacked(&stream, piece).expect("it is whole"), bytes(&mut file));
    }

    #[test]
    fn a_stream_that_is_cut_off_is_known_for_it(cut in 1_usize..4_000) {
        let mut file = disk(4, 0, &[(0, 7), (GRAIN, 9), (3 * GRAIN, 3)]);
        let stream = stream(&mut file);
        // Behind the last grain there is nothing that is needed, but for the end itself.
        let cut = stream.len() * cut / 4_000;
        let read = unpacked(&stream[..cut], 10_000);
        prop_assert!(read.is_err() || read == Ok(bytes(&mut file)) || cut.is_multiple_of(512));
    }

    #[test]
    fn no_bytes_make_the_reader_stumble(noise in prop::collection::vec(any::<u8>(), 0..3_000), at in 0_usize..70_000) {
        let _ = unpacked(&noise, 700);
        let mut file = disk(2, 0, &[(0, 7)]);
        let mut stream = stream(&mut file);
        for (byte, noise) in stream.iter_mut().skip(at).zip(&noise) {
            *byte ^= noise;
        }
        let _ = unpacked(&stream, 9_999);
        let _ = Descriptor::read(&String::from_utf8_lossy(&noise));
    }

    #[test]
    fn what_a_descriptor_says_is_read_from_it(
        cid in 0..u32::MAX,
        parent in prop::option::of((0..u32::MAX, "[a-z]{1,8}\\.vmdk")),
        sectors in 1_u64..1 << 50,
        name in "[a-z][a-z0-9 _-]{0,20}\\.vmdk",
    ) {
        let extent = Extent { sectors, kind: ExtentKind::Vmfs, file: name };
        let descriptor = Descriptor { cid, parent, create_type: "vmfs".to_owned(), extents: vec![extent], uuid: Some("60 00".to_owned()) };
        prop_assert_eq!(Descriptor::read(&descriptor.written()).expect("it is one"), descriptor);
    }

    #[test]
    fn a_file_holds_what_was_written_last(writes in prop::collection::vec((0_u64..200_000, 1_usize..70_000, any::<u8>()), 1..12)) {
        let (mut file, mut model) = (ByteFile::new(0), Vec::new());
        for (at, length, byte) in writes {
            file.write(at, &vec![byte; length]);
            let end = at as usize + length;
            if model.len() < end {
                model.resize(end, 0);
            }
            model[at as usize..end].fill(byte);
        }
        prop_assert_eq!(bytes(&mut file), model.clone());
        let mut again = ByteFile::from_image(&file.image());
        prop_assert_eq!(bytes(&mut again), model);
    }
}

#[test]
fn what_is_no_vmdk_is_refused_with_its_reason() {
    for (text, why) in [
        ("", "line 1"),
        ("# Disk DescriptorFile\nnonsense\n", "line 2"),
        ("# Disk DescriptorFile\nCID=1\ncreateType=\"vmfs\"\n", "no extent"),
        ("# Disk DescriptorFile\nCID=xyz\n", "a number in hex"),
        ("# Disk DescriptorFile\nRW many VMFS \"a\"\n", "a number of sectors"),
        ("# Disk DescriptorFile\nRW 1 TAPE \"a\"\n", "a kind of extent"),
        ("# Disk DescriptorFile\nRW 1 VMFS\n", "the name of a file"),
    ] {
        let error = Descriptor::read(text).expect_err("it is none").to_string();
        assert!(error.contains(why), "{error}");
    }
    let mut file = disk(1, 0, &[(0, 7)]);
    let whole = stream(&mut file);
    let mut flat = whole.clone();
    flat[8..12].copy_from_slice(&1_u32.to_le_bytes());
    assert!(matches!(unpacked(&flat, 512), Err(VmdkError::NotAStream(_))));
    let mut lost = whole;
    let grain = 128 * 512;
    lost[grain..grain + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(unpacked(&lost, 512), Err(VmdkError::Grain { .. })));
}

fn qemu(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("qemu-img").args(arguments).current_dir(folder).output().ok()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "qemu-img {arguments:?}: {said}");
    Some(said)
}

/// What another program says of all this; where it is not installed, that is said loudly.
#[test]
fn qemu_reads_the_same_disk_from_all_forms() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    if Command::new("qemu-img").arg("--version").output().is_err() {
        println!("NOT CHECKED: qemu-img is not installed (Debian: qemu-utils)");
        return;
    }
    // Beyond one table of grains, with a blank one in the middle, and an end that is no whole grain.
    let held = [(0, 7), (GRAIN - 100, 9), (600 * GRAIN + 5, 3), (1_100 * GRAIN + 1_000, 11)];
    let mut file = disk(1_100, 16, &held);
    std::fs::write(folder.join("raw"), bytes(&mut file)).expect("it is written");
    std::fs::write(folder.join("stream.vmdk"), stream(&mut file)).expect("it is written");
    std::fs::write(folder.join("flat-flat.vmdk"), bytes(&mut file)).expect("it is written");
    let sectors = file.bytes() / 512;
    let text = Descriptor::flat(
        1,
        sectors,
        "flat-flat.vmdk",
        Some("60 00 C2 90 00 00 00 00-00 00 00 00 00 00 00 00"),
    );
    std::fs::write(folder.join("flat.vmdk"), text.written()).expect("it is written");
    qemu(folder, &["check", "-f", "vmdk", "stream.vmdk"]);
    for form in ["stream.vmdk", "flat.vmdk"] {
        let said = qemu(folder, &["compare", "-f", "raw", "-F", "vmdk", "raw", form]).expect("it runs");
        assert!(said.contains("identical"), "{form}: {said}");
    }
    qemu(
        folder,
        &["convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", "raw", "theirs.vmdk"],
    );
    let theirs = std::fs::read(folder.join("theirs.vmdk")).expect("it is there");
    assert_eq!(unpacked(&theirs, 99_999).expect("it is a stream"), bytes(&mut file));
}
