//! What a node's file may say, and how it is told what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use switchback_live::config::{
    AgentSection, Compression, ConfigError, ControlSection, LogLevel, NodeConfig, ProcessServerSection,
    TargetSection,
};
use switchback_live::nbd;
use switchback_live::pki::CredentialFiles;

const AGENT: &str = "\
node: dc0-left
directory: state
pki: {authority: ca.pem, certificate: /etc/left.pem, key: left-key.pem}
listen: 10.0.0.7:7400
metrics: 127.0.0.1:9400
peers:
  control: 10.0.0.1:7400
  target-recovery: '[2001:db8::1]:7400'
roles: [agent, process-server]
agent:
  machine: 1
  disks: [{image: /dev/vdb}, {image: data.raw}]
  export: unix:/run/machine-1.socket
  memory: 512MiB
  drain-every: 1s
process-server: {number: 0, cache: 4GiB}
";

const TARGET: &str = "\
node: away
directory: /var/lib/switchback
listen: 127.0.0.1:0
roles: [target, control]
target: {site: recovery, replicas: replicas}
control: {}
";

fn parse(text: &str) -> Result<NodeConfig, ConfigError> {
    NodeConfig::parse(Path::new("/etc/switchback/node.yaml"), text)
}

/// What is said of a file in which something stands instead of something else.
#[track_caller]
fn said(text: &str, instead_of: &str, stands: &str) -> String {
    assert!(text.contains(instead_of), "{instead_of} is not in the file");
    match parse(&text.replacen(instead_of, stands, 1)) {
        Ok(config) => panic!("`{stands}` is taken: {config:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_file_says_what_a_node_is() {
    let path = |text: &str| PathBuf::from(text);
    assert_eq!(
        parse(AGENT).unwrap(),
        NodeConfig {
            node: "dc0-left".to_owned(),
            directory: path("/etc/switchback/state"),
            pki: Some(CredentialFiles {
                authority: path("/etc/switchback/ca.pem"),
                certificate: path("/etc/left.pem"),
                key: path("/etc/switchback/left-key.pem"),
            }),
            listen: "10.0.0.7:7400".parse().unwrap(),
            peers: [
                (Address::Control, "10.0.0.1:7400".parse().unwrap()),
                (Address::Target(Site::Recovery), "[2001:db8::1]:7400".parse().unwrap()),
            ]
            .into(),
            metrics: Some("127.0.0.1:9400".parse().unwrap()),
            log: LogLevel::Info,
            agent: Some(AgentSection {
                machine: MachineId(1),
                disks: vec![path("/dev/vdb"), path("/etc/switchback/data.raw")],
                export: nbd::Address::Unix(path("/run/machine-1.socket")),
                memory_bytes: 512 << 20,
                drain_every: Duration::from_secs(1),
            }),
            process_server: Some(ProcessServerSection {
                number: 0,
                cache_bytes: 4 << 30,
                compression: Compression::Lz4,
            }),
            target: None,
            control: None,
        }
    );
    let plainly = AGENT.replacen("cache: 4GiB", "cache: 4GiB, compression: none", 1);
    assert_eq!(parse(&plainly).unwrap().process_server.unwrap().compression, Compression::None);
    let away = parse(TARGET).unwrap();
    let replicas = path("/etc/switchback/replicas");
    assert_eq!(
        away.target,
        Some(TargetSection { site: Site::Recovery, replicas, recovered: BTreeMap::new() })
    );
    assert_eq!((away.control, away.pki, away.metrics), (Some(ControlSection {}), None, None));
    assert_eq!((away.agent, away.peers.len()), (None, 0));
}

#[test]
fn a_file_is_read_from_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    std::fs::write(&path, TARGET).unwrap();
    let config = NodeConfig::read(&path).unwrap();
    assert_eq!(config.target.unwrap().replicas, folder.path().join("replicas"));
    let missing = NodeConfig::read(&folder.path().join("none.yaml")).unwrap_err();
    assert!(matches!(missing, ConfigError::File { .. }), "{missing}");
    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    let long = NodeConfig::read(&path).unwrap_err().to_string();
    assert!(long.ends_with("the file is longer than 1048576 bytes"), "{long}");
}

#[test]
fn keys_that_are_unknown_missing_or_twice_are_named_with_their_place() {
    let cases = [
        ("metrics:", "metrix:", "5:1: unknown field `metrix`"),
        ("  memory:", "  mem:", "14:3: unknown field `mem`"),
        ("{number: 0, ", "{number: 0, size: 1, ", "16:29: unknown field `size`"),
        ("node: dc0-left\n", "", "missing field `node`"),
        ("  memory: 512MiB\n", "", "missing field `memory`"),
        ("metrics: 127.0.0.1:9400\n", "node: again\n", "5:1: duplicate mapping key: node"),
        ("  target-recovery:", "  control:", "8:3: duplicate mapping key: control"),
    ];
    for (instead_of, stands, expected) in cases {
        let said = said(AGENT, instead_of, stands);
        assert!(
            said.starts_with("/etc/switchback/node.yaml:") && said.contains(expected),
            "{stands}: {said}"
        );
    }
}

#[test]
fn values_of_another_kind_are_told_what_was_expected() {
    let cases = [
        ("512MiB", "512", "14:", "such as 512MiB"),
        ("512MiB", "512M", "14:", "such as 512MiB"),
        ("512MiB", "0.5GiB", "14:", "such as 512MiB"),
        ("512MiB", "1s", "14:", "such as 512MiB"),
        ("512MiB", "99999999999TiB", "14:", "such as 512MiB"),
        ("drain-every: 1s", "drain-every: 1", "15:", "such as 250ms"),
        ("drain-every: 1s", "drain-every: 4GiB", "15:", "such as 250ms"),
        ("drain-every: 1s", "drain-every: -1s", "15:", "such as 250ms"),
        ("10.0.0.7:7400", "10.0.0.7", "4:", "an address and a port"),
        ("10.0.0.7:7400", "left.example.org:7400", "4:", "an address and a port"),
        ("unix:/run/machine-1.socket", "'unix:'", "13:", "`unix:` and a path"),
        ("  control: 10", "  vault: 10", "7:", "control, process-server-NUMBER"),
        ("  control: 10", "  process-server-007: 10", "7:", "control, process-server-NUMBER"),
        ("  control: 10", "  agent-1: 10", "7:", "control, process-server-NUMBER"),
        ("machine: 1", "machine: -1", "11:", "u32"),
        ("number: 0", "number: 65536", "16:", "u16"),
        ("cache: 4GiB", "cache: 4GiB, compression: zstd", "16:", "unknown variant `zstd`"),
        ("[agent, process-server]", "[agent, proxy]", "9:", "unknown variant `proxy`"),
    ];
    for (instead_of, stands, line, expected) in cases {
        let said = said(AGENT, instead_of, stands);
        let line = format!("/etc/switchback/node.yaml:{line}");
        assert!(said.starts_with(&line) && said.contains(expected), "{stands}: {said}");
    }
}

#[test]
fn a_role_and_its_section_belong_together() {
    let said_of_target = |instead_of, stands| said(TARGET, instead_of, stands);
    assert_eq!(
        said_of_target("control: {}\n", ""),
        "/etc/switchback/node.yaml:4:17: role `control` has no section: a key `control:` was expected"
    );
    assert_eq!(
        said_of_target("[target, control]", "[target]"),
        "/etc/switchback/node.yaml:6:10: section `control` is of a role that the node does not have: add it to `roles`"
    );
    let twice = said_of_target("[target, control]", "[target, control, target]");
    assert!(twice.ends_with(":4:26: role `target` stands here twice"), "{twice}");
    let none =
        said_of_target("[target, control]\ntarget: {site: recovery, replicas: replicas}\ncontrol: {}", "[]");
    assert!(none.contains(":4:8: a node without a role"), "{none}");
}

#[test]
fn beyond_loopback_there_are_certificates() {
    let open = said(TARGET, "127.0.0.1:0", "0.0.0.0:7400");
    assert!(open.ends_with(":3:9: 0.0.0.0:7400 is not on loopback: a section `pki` was expected"), "{open}");
    let peers = "control: {}\npeers: {agent-1-primary: 10.0.0.7:7400, process-server-0: 127.0.0.1:7}\n";
    let far = said(TARGET, "control: {}\n", peers);
    assert!(far.ends_with(":7:26: 10.0.0.7:7400 is not on loopback: a section `pki` was expected"), "{far}");
    let near = TARGET.replace("control: {}\n", &peers.replace("10.0.0.7", "127.0.0.1"));
    assert_eq!(parse(&near).unwrap().peers.len(), 2);
    let disk = said(AGENT, "unix:/run/machine-1.socket", "0.0.0.0:10809");
    assert!(disk.contains(":13:11: 0.0.0.0:10809 is not on loopback, and NBD is not encrypted"), "{disk}");
}

#[test]
fn numbers_lie_between_bounds_and_all_that_do_not_are_told_at_once() {
    let wrong = AGENT
        .replace("512MiB", "1KiB")
        .replace("drain-every: 1s", "drain-every: 2h")
        .replace("4GiB", "1MiB")
        .replace("{image: data.raw}", "{image: /dev/vdb}")
        .replace("dc0-left", "DC0");
    let said = parse(&wrong).unwrap_err().to_string();
    let lines: Vec<&str> =
        said.lines().map(|line| line.trim_start_matches("/etc/switchback/node.yaml:")).collect();
    assert_eq!(lines.len(), 5, "{said}");
    let expected = [
        "1:7: `DC0` is no name of a node",
        "12:30: /dev/vdb is a disk of this machine already",
        "14:11: 1024 is out of bounds: 4MiB to 1TiB",
        "15:16: 7200s is out of bounds: 1ms to 1h",
        "16:36: 1048576 is out of bounds: 16MiB",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line} is not {expected}");
    }
    let none = self::said(AGENT, "[{image: /dev/vdb}, {image: data.raw}]", "[]");
    assert!(none.ends_with(":12:10: 0 disks: 1 to 64 were expected"), "{none}");
}

#[test]
fn a_node_is_no_peer_of_itself() {
    let peers = "control: {}\npeers: {target-recovery: 127.0.0.1:1, target-primary: 127.0.0.1:2}\n";
    let said = said(TARGET, "control: {}\n", peers);
    assert!(
        said.ends_with(":7:26: `target-recovery` is this node itself, by its section `target`"),
        "{said}"
    );
}

#[test]
fn what_is_no_yaml_or_too_much_of_it_is_refused() {
    let bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    let deep = "[".repeat(1000);
    let cases =
        ["", "[]", "node: [", "node: a\n---\nnode: b\n", "\t", "node: *none", "<<: {node: a}", bomb, &deep];
    for text in cases {
        let said = parse(text).unwrap_err().to_string();
        assert!(said.starts_with("/etc/switchback/node.yaml:"), "{text}: {said}");
        let node = parse(&format!("{TARGET}metrics: {text}")).map(|config| config.metrics);
        assert!(node.is_err() || text.trim().is_empty(), "{text}: {node:?}");
    }
}

#[test]
fn the_files_of_the_guide_are_read() {
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/live.md")).unwrap();
    let files: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let nodes: Vec<String> = files.iter().map(|text| parse(text).unwrap().node).collect();
    assert_eq!(nodes, ["home", "away"]);
}
