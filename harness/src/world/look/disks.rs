//! What is known of a disk: by the journals of both sites, and by what lies on it. For people, never for judges.

use switchback_disks::VirtualDisk;
use switchback_engine::journal::DiskLook;
use switchback_engine::{DiskId, SectorRange, Site};

use crate::content::Simulated;
use crate::outcome::words;
use crate::world::{PhysicalDisk, World};

impl<C: Simulated> World<C> {
    /// What the journals know of a disk and what its copies hold, line by line.
    #[must_use]
    pub fn disk_lines(&self, disk: DiskId) -> Vec<String> {
        let journals =
            [(Site::Recovery, "journal in Azure"), (Site::Primary, "journal at the master target")];
        let mut lines = Vec::new();
        for (site, name) in journals {
            let groups = self.target(site).into_iter().flat_map(|target| target.groups());
            for look in groups.filter_map(|group| group.journal.look(disk)) {
                lines.extend(journal_lines(name, &look));
            }
        }
        let copies = [
            (PhysicalDisk::Home(disk), "disk on premises"),
            (PhysicalDisk::Replica(disk), "replica disk, the base of the journal in Azure"),
            (PhysicalDisk::Recovered(disk), "recovered disk in Azure"),
            (PhysicalDisk::Test(disk), "disk of a test machine in Azure"),
        ];
        for (copy, name) in copies {
            lines.extend(self.storage.disk(copy).map(|disk| copy_line(name, disk)));
        }
        lines
    }
}

fn journal_lines(name: &str, look: &DiskLook) -> Vec<String> {
    /// Epochs that are shown one by one, the newest; a journal of a day has hundreds.
    const SHOWN: usize = 12;
    let mut lines = vec![format!(
        "{name}: {}, tail of {} frames in {} parts ({} runs, {}), {} cuts",
        words::plural(look.epochs.len() as u64, "epoch"),
        look.tail_frames,
        look.tail_parts,
        look.tail_runs,
        words::bytes(look.tail_bytes),
        look.cuts,
    )];
    let hidden = look.epochs.len().saturating_sub(SHOWN);
    if hidden > 0 {
        lines.push(format!("  {hidden} older epochs"));
    }
    for epoch in &look.epochs[hidden..] {
        let (number, bytes) = (epoch.end.number, words::bytes(epoch.bytes));
        lines.push(format!("  epoch up to point {number}: {} runs, {bytes}", epoch.runs));
    }
    if let Some(point) = look.promoted {
        lines.push(format!("  the base was brought to point {}", point.number));
    }
    lines
}

fn copy_line<C: Simulated>(name: &str, disk: &VirtualDisk<C>) -> String {
    let runs = disk.peek(SectorRange::new(0, disk.sectors())).map_or(0, |runs| runs.len());
    let sectors = words::thousands(disk.sectors());
    format!("{name}: {sectors} sectors, {runs} runs, {} writes not flushed", disk.unflushed_writes())
}
