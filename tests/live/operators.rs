//! What operators do by the command line, and what they are told when it does not go.

use crate::estate::{Estate, name_of};

#[test]
fn a_machine_is_protected_looked_at_written_out_and_failed_over_by_commands() {
    let estate = Estate::with_disk(8 << 20);
    estate.protect();
    let mut disk = estate.disk().unwrap();
    disk.write(4096 + 512, &[7; 8192], true).unwrap();
    disk.disconnect().unwrap();
    let newest = || estate.points().last().map_or(0, |point| point["number"].as_u64().unwrap());
    let before = newest();
    estate.until("there is a newer point", || (newest() > before + 1).then_some(()));

    let written = std::fs::read(estate.path("disk.raw")).unwrap();
    let image = estate.path("image.raw");
    let told = estate.told("target", &["promote", image.to_str().unwrap()]);
    assert!(told.contains("8388608 bytes, of which 12288 are not zeroes"), "{told}");
    assert!(std::fs::read(&image).unwrap() == written, "the image is the disk");

    let told = estate.told("vault", &["failover"]);
    assert!(told.contains("StartMachine: Succeeded"), "{told}");
    assert!(estate.disk().is_none(), "the machine at home is off");
    let told = estate.told("vault", &["status"]);
    assert!(told.contains("FailedOver(Forward)") && told.contains("may: "), "{told}");
    let recovered = estate.path("replicas/recovered-0/0.raw");
    assert!(std::fs::read(recovered).unwrap() == written, "the recovered disk is the disk");
    // Also after a restart it stays off.
    estate.stop(0);
    estate.start(0);
    assert!(estate.disk().is_none(), "a machine that was failed over does not run at home again by itself");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let estate = Estate::with_disk(1 << 20);
    let refused = |node: &str, arguments: &[&str], reason: &str| {
        let output = estate.ask(node, arguments);
        let complained = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && complained.contains(reason), "{arguments:?}: {complained}");
    };
    refused("vault", &["failover"], "machine 0 is not protected");
    refused("vault", &["commit"], "is not protected");
    refused("target", &["attach", "--point", "1.1"], "no such recovery point");
    refused("target", &["detach", "7"], "there is no attachment 7");
    refused("target", &["status"], "this node is no vault");
    estate.protect();
    refused("vault", &["failback"], "Protected(Reverse) was expected");
    let point = estate.until("there is a point", || estate.points().last().map(name_of));
    refused(
        "target",
        &["attach", "--point", &point, "--machine", "3"],
        "machine 3 has no such recovery point",
    );
}
