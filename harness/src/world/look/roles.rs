//! What a role holds, a line for each thing. It reads what roles say of themselves, so it is for people, never for judges.

use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site, StreamKey};

use crate::content::Simulated;
use crate::outcome::words;
use crate::world::{World, instant};

impl<C: Simulated> World<C> {
    /// What a role holds, line by line; one line if it is down.
    #[must_use]
    pub fn role_lines(&self, address: Address) -> Vec<String> {
        let lines = match address {
            Address::Agent(machine, site) => self.agent_lines(machine, site),
            Address::ProcessServer(number) => self.process_server_lines(number),
            Address::Target(site) => self.target_lines(site),
            Address::Control => self.vault_lines(),
        };
        lines.unwrap_or_else(|| vec![format!("{} is down", self.names().role(address))])
    }

    fn agent_lines(&self, machine: MachineId, site: Site) -> Option<Vec<String>> {
        let mut lines = vec![format!("machine {}", self.guest_words(machine, site))];
        let agent = self.agent(machine, site)?;
        let status = agent.status_at(instant(self.now()));
        if status.generation == 0 {
            lines.push("replicates nothing".to_owned());
            return Some(lines);
        }
        lines.push(format!(
            "replicates under generation {}, session {}; write order {:?}; {} captured",
            status.generation,
            status.session,
            status.order,
            words::plural(agent.writes_captured(), "write"),
        ));
        let (pool, records) = (words::bytes(status.pending_bytes), agent.records_unsynced());
        lines.push(format!("memory pool {pool}; {records} records on their way to its store"));
        if let Some((reason, _)) = status.resync {
            let left = words::thousands(status.sectors_to_copy);
            lines.push(format!("resynchronizes ({reason:?}), {left} sectors to look at"));
        }
        if let Some((marker, step)) = agent.raising() {
            let number = marker.point.number;
            lines.push(format!("recovery point {number} ({:?}) in the making: {step}", marker.consistency));
        }
        for disk in agent.pending_disks() {
            let (first, next) = disk.batches;
            lines.push(format!(
                "disk {}: mode {:?}; {} writes in the open batch, {} slots; {} batches unacknowledged \
                 (from {first}); {} places to read, {} sectors to copy",
                self.names().disk(disk.disk),
                disk.mode,
                disk.open_writes,
                disk.slots,
                next - first,
                disk.places,
                words::thousands(disk.sectors_to_copy),
            ));
        }
        Some(lines)
    }

    fn process_server_lines(&self, number: u16) -> Option<Vec<String>> {
        let server = self.process_server(number)?;
        let full = if server.is_throttling() { ", full: takes nothing more" } else { "" };
        let mut lines = vec![format!("cache {}{full}", words::bytes(server.cached_bytes()))];
        for (stream, agent, first, next) in server.streams() {
            let stream = self.stream(stream);
            let agent = self.names().role(agent);
            lines.push(format!("{stream} from {agent}: {} frames held (from {first})", next - first));
        }
        Some(lines)
    }

    fn target_lines(&self, site: Site) -> Option<Vec<String>> {
        let target = self.target(site)?;
        let (comparisons, writing) = target.work_under_way();
        let mut lines = vec![format!("{comparisons} comparisons and {writing} writes to replicas under way")];
        for group in target.groups() {
            let name = self.spec.groups.iter().find(|spec| spec.id == group.id);
            let stats = group.journal.stats();
            lines.push(format!(
                "group {}: {}, {} epochs, {} in {} segments, {} dead",
                name.map_or("?", |spec| spec.name.as_str()),
                words::plural(stats.points, "recovery point"),
                stats.epochs,
                words::bytes(stats.live_bytes),
                stats.segments,
                words::bytes(stats.dead_bytes),
            ));
            for (stream, next) in group.streams {
                lines.push(format!("  {}: next frame {next}", self.stream(stream)));
            }
            for (machine, point) in group.finished {
                let machine = self.names().machine(machine);
                lines.push(format!("  {machine} takes nothing more; point {} was chosen", point.id.number));
            }
        }
        Some(lines)
    }

    fn stream(&self, stream: StreamKey) -> String {
        let disk = self.names().disk(stream.disk);
        format!("stream of {disk} (generation {}, session {})", stream.generation, stream.session)
    }

    fn vault_lines(&self) -> Option<Vec<String>> {
        let control = self.control()?;
        let mut lines = Vec::new();
        for item in control.items() {
            let lag = control.rpo_lag(item.machine, instant(self.now()));
            let lag = lag.map_or_else(String::new, |lag| format!(", {} behind", words::span(lag)));
            let points = words::plural(control.points_of(item.machine).len() as u64, "recovery point");
            let state = words::item_state(item.state());
            lines.push(format!("{} is {state}, {points}{lag}", self.names().machine(item.machine)));
        }
        for job in control.jobs().filter(|job| job.ended.is_none()) {
            let task = job.current_task().map_or("no task", |task| words::task(task.kind));
            let machine = self.names().machine(job.machine);
            lines.push(format!("job {} {} of {machine}: {task}", job.id.0, words::job(job.kind)));
        }
        if lines.is_empty() {
            lines.push("nothing is protected".to_owned());
        }
        Some(lines)
    }
}
