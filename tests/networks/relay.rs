//! A line that takes time: packets come out of one tunnel device and go into another one a while later.
//!
//! It stands in for `netem` where the kernel has none. It drops nothing and overtakes nothing.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tun_rs::{DeviceBuilder, InterruptEvent, SyncDevice};

/// The largest packet, in bytes.
const PACKET_BYTES_MAX: usize = 65_536;

/// A line, for as long as it is not dropped.
pub(crate) struct Relay {
    stop: Arc<InterruptEvent>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// A line between two new devices with these names. They are in the network namespace of the caller, and can be moved.
    #[expect(clippy::disallowed_methods, reason = "real packets are waited for in threads")]
    pub(crate) fn between(names: [&str; 2], latency: Duration) -> io::Result<Self> {
        let device = |name: &str| DeviceBuilder::new().name(name).enable(false).build_sync().map(Arc::new);
        let [one, other] = [device(names[0])?, device(names[1])?];
        let stop = Arc::new(InterruptEvent::new()?);
        let ways = [(&one, &other), (&other, &one)];
        let threads = ways.into_iter().flat_map(|(from, to)| {
            let (tell, hear) = channel();
            let (from, to, stop) = (Arc::clone(from), Arc::clone(to), Arc::clone(&stop));
            let takes = std::thread::spawn(move || take(&from, &tell, latency, &stop));
            let gives = std::thread::spawn(move || give(&to, &hear));
            [takes, gives]
        });
        Ok(Self { threads: threads.collect(), stop })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.stop.trigger();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

type Packet = (Instant, Vec<u8>);

/// Takes packets until it is stopped.
#[expect(clippy::disallowed_methods, reason = "real packets take real time")]
fn take(device: &SyncDevice, packets: &Sender<Packet>, latency: Duration, stop: &InterruptEvent) {
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    // It fails as well while the device is not up.
    loop {
        match device.recv_intr(&mut buffer, stop) {
            Ok(bytes) => {
                if packets.send((Instant::now() + latency, buffer[..bytes].to_vec())).is_err() {
                    return;
                }
            }
            Err(_) if stop.is_trigger() => return,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Gives packets on when their time has come.
#[expect(clippy::disallowed_methods, reason = "real packets take real time")]
fn give(device: &SyncDevice, packets: &Receiver<Packet>) {
    for (due, packet) in packets {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // One that the device does not take is lost, as on any line.
        let _ = device.send(&packet);
    }
}
