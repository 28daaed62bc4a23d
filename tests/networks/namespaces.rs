//! Two network namespaces and the line between them.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::debian;
use crate::layout::Place;
use crate::relay::Relay;

/// The device of the line, in either namespace.
const DEVICE: &str = "wan";
/// How much more than the latency a queue before the line may hold.
const QUEUE: Duration = Duration::from_millis(50);
/// What may leave at once at more than the rate, in bytes: the kernel wakes rarely at high rates.
const BURST_BYTES: u64 = 32 << 10;

/// What a line is like, each way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// What it carries in bits a second, heads of packets among them.
    pub(crate) bits_per_sec: u64,
    pub(crate) latency: Duration,
    /// Of so many packets in a thousand nothing is heard again.
    pub(crate) lost_of_1000: u32,
}

/// Two sites, each in a namespace of its own, and nothing between them but a line.
pub(crate) struct Sites {
    names: [String; 2],
    /// `None` where the kernel makes packets wait.
    relay: Option<Relay>,
}

impl Sites {
    /// Makes them. Says why not where that cannot be done.
    pub(crate) fn make(line: Line) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            return Err("only root can make network namespaces".to_owned());
        }
        install_what_is_missing()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let names = ["home", "away"].map(|site| format!("sb{}-{number}-{site}", std::process::id()));
        // From here on whatever was made is taken away again.
        let mut sites = Self { names, relay: None };
        for name in &sites.names {
            run("ip", &["netns", "add", name])?;
            run("ip", &["-n", name, "link", "set", "lo", "up"])?;
        }
        let made = format!("sb{}{number}", std::process::id());
        let devices = [format!("{made}h"), format!("{made}a")];
        let delays = kernel_delays(&sites.names[0]);
        if delays {
            run("ip", &["link", "add", &devices[0], "type", "veth", "peer", "name", &devices[1]])?;
        } else {
            let relay = Relay::between([&devices[0], &devices[1]], line.latency);
            sites.relay = Some(relay.map_err(|error| format!("no tunnel device can be made: {error}"))?);
        }
        for (index, (name, device)) in sites.names.iter().zip(&devices).enumerate() {
            run("ip", &["link", "set", device, "netns", name])?;
            run("ip", &["-n", name, "link", "set", device, "name", DEVICE])?;
            let address = format!("{}/24", address(index));
            run("ip", &["-n", name, "address", "add", &address, "dev", DEVICE])?;
            // A packet of the kernel's own may be many of the line's, which are lost one by one.
            run("ip", &["-n", name, "link", "set", DEVICE, "gso_max_segs", "1", "up"])?;
            shape(name, line, delays)?;
            rules(name, "table inet line { chain arriving { type filter hook input priority 0; }; }")?;
        }
        if line.lost_of_1000 > 0 {
            let rule = format!("numgen random mod 1000 < {} drop", line.lost_of_1000);
            sites.rule_for_all(&rule);
        }
        Ok(sites)
    }

    /// Where nodes of the site at home run, and those of the one away.
    pub(crate) fn places(&self) -> [Place; 2] {
        [0, 1].map(|index| Place {
            address: IpAddr::V4(address(index)),
            namespace: Some(self.names[index].clone()),
        })
    }

    /// Whether packets wait in a relay, and not in the kernel.
    pub(crate) fn has_relay(&self) -> bool {
        self.relay.is_some()
    }

    /// From now on nothing passes.
    pub(crate) fn cut(&self) {
        self.rule_for_all("drop");
    }

    /// Everything passes again.
    pub(crate) fn heal(&self) {
        for name in &self.names {
            rules(name, "flush chain inet line arriving").unwrap();
        }
    }

    /// What the site at home has sent over the line, in bytes.
    pub(crate) fn sent_bytes(&self) -> u64 {
        let told = run("ip", &["-n", &self.names[0], "-json", "-stats", "link", "show", DEVICE]).unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told[0]["stats64"]["tx"]["bytes"].as_u64().unwrap()
    }

    fn rule_for_all(&self, rule: &str) {
        for name in &self.names {
            rules(name, &format!("add rule inet line arriving iifname {DEVICE} {rule}")).unwrap();
        }
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        // Its threads have the devices open.
        self.relay = None;
        for name in &self.names {
            let _ = run("ip", &["netns", "delete", name]);
        }
    }
}

/// An address that documents use, and nobody has.
fn address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 1 + index as u8)
}

/// Whether the kernel can make packets wait.
fn kernel_delays(namespace: &str) -> bool {
    let arguments = ["-n", namespace, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"];
    let can = run("tc", &arguments).is_ok();
    if can {
        let _ = run("tc", &["-n", namespace, "qdisc", "delete", "dev", "lo", "root"]);
    }
    can
}

/// Gives the line its rate, and its latency where the kernel has that.
fn shape(namespace: &str, line: Line, delays: bool) -> Result<(), String> {
    let limit = line.bits_per_sec / 8 * QUEUE.as_millis() as u64 / 1000 + BURST_BYTES;
    let (rate, burst, limit) = (line.bits_per_sec.to_string(), BURST_BYTES.to_string(), limit.to_string());
    let mut place = vec!["root"];
    if delays {
        let latency = format!("{}us", line.latency.as_micros());
        run(
            "tc",
            &[
                "-n", namespace, "qdisc", "add", "dev", DEVICE, "root", "handle", "1:", "netem", "delay",
                &latency, "limit", "100000",
            ],
        )?;
        place = vec!["parent", "1:1", "handle", "10:"];
    }
    let shaped = ["tbf", "rate", &rate, "burst", &burst, "limit", &limit];
    let arguments = [&["-n", namespace, "qdisc", "add", "dev", DEVICE], &place[..], &shaped[..]].concat();
    run("tc", &arguments).map(drop)
}

/// Has a namespace take rules for packets.
fn rules(namespace: &str, text: &str) -> Result<(), String> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("nft: {error}"))?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).map_err(|error| format!("nft: {error}"))?;
    let output = child.wait_with_output().map_err(|error| format!("nft: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("nft {text}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn install_what_is_missing() -> Result<(), String> {
    // Tests run side by side, and one at a time can install.
    static INSTALLS: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_there = |name: &str| {
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(name).exists())
    };
    if ["ip", "tc", "nft"].into_iter().all(is_there) {
        return Ok(());
    }
    debian::install(&["iproute2", "nftables"])
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    debian::run(program, arguments, Path::new("/"))
}
