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
fn each_node_tells_prometheus_how_it_is() {
    let estate = Estate::with_disk(4 << 20);
    estate.protect();
    estate.until("there is a point", || estate.points().last().cloned());
    let told = |node: usize, figure: &str| {
        let figures = estate.figures(node);
        let line = figures.lines().find_map(|line| line.strip_prefix(figure));
        line.unwrap_or_else(|| panic!("{figure} is not in {figures}")).trim().to_owned()
    };
    assert_eq!(told(0, "switchback_agent_write_order{machine=\"0\",order=\"Data\"}"), "1");
    assert_eq!(told(1, "switchback_process_server_throttling{number=\"0\"}"), "0");
    assert_ne!(told(2, "switchback_recovery_points{group=\"0\"}"), "0");
    estate.until("the vault has heard of it", || {
        let figures = estate.figures(3);
        figures.contains("switchback_rpo_seconds{machine=\"0\"}").then_some(())
    });
    assert_eq!(told(3, "switchback_item_state{machine=\"0\",state=\"Protected(Forward)\"}"), "1");
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

#[test]
fn a_node_that_is_hung_up_on_reads_its_file_again() {
    let estate = Estate::with_disk(1 << 20);
    let file = estate.path("agent.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    let told = |text: &str, says: &str| {
        std::fs::write(&file, text).unwrap();
        let heard = estate.log("agent").len();
        estate.hang_up(0);
        estate.until(says, || estate.log("agent")[heard..].contains(says).then_some(()));
    };
    told(&format!("{before}log: debug\n"), "the file is read again log=debug");
    told(&format!("{before}log: loud\n"), "the file is not taken, and everything stays as it was");
    told(&before.replace("32MiB", "64MiB"), "takes a new start of the node log=info");
    assert!(estate.disk().is_some(), "it has gone on all the while");
}
