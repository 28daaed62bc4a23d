//! The judge of a trial: reads recovery points back in full and holds them against the machine's history.
//!
//! Owns what was seen of each point and the first thing that was wrong. Refuses to know how the points came about. It
//! compares with the same functions as the judges of a world.

use std::collections::BTreeMap;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Change, Stamp};
use switchback_sim::SimTime;

use super::machine::{MACHINE, SITE};
use super::setup::Setup;
use super::{Point, Target};
use crate::check::{Difference, Finding, Judge, Replay, cut_of, first_difference};
use crate::content::{DAMAGED, Simulated};
use crate::truth::History;

/// How many sectors are read at once.
const PIECE_SECTORS: u64 = 2048;

#[derive(Debug)]
pub(super) struct Verdict {
    /// The points that are offered, each with the number of writes it showed when it was new.
    known: BTreeMap<u64, (Point, usize)>,
    /// The newest instant that was ever offered.
    newest: Option<SimTime>,
    /// The disks as a prefix of the history makes them. Points mostly come in order, so it mostly goes on.
    expected: Replay,
    /// How many points were new at some time.
    pub(super) points: u64,
    pub(super) finding: Option<Finding>,
}

/// What a look needs to know.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) now: SimTime,
    pub(super) setup: &'a Setup,
    pub(super) history: &'a History,
}

impl Verdict {
    pub(super) fn new(setup: &Setup) -> Self {
        let expected = Replay::of_disks(MACHINE, &setup.disks);
        Self { known: BTreeMap::new(), newest: None, expected, points: 0, finding: None }
    }

    /// Notes a finding unless there is one already.
    pub(super) fn found(&mut self, judge: Judge, at: SimTime, what: String) {
        self.finding.get_or_insert(Finding { judge, at, what });
    }

    /// Reads the points that are new.
    pub(super) fn look(&mut self, look: Look<'_>, target: &impl Target) {
        let points = target.points();
        self.known.retain(|id, _| points.iter().any(|point| point.id == *id));
        for point in &points {
            if self.known.contains_key(&point.id) {
                continue;
            }
            match self.judge_point(look, target, *point) {
                Ok(cut) => {
                    self.known.insert(point.id, (*point, cut));
                    self.points += 1;
                }
                Err((judge, what)) => return self.found(judge, look.now, what),
            }
        }
        self.judge_newest(look, &points);
    }

    /// Reads every point once more: what was shown must be shown as long as it is kept.
    pub(super) fn look_again(&mut self, look: Look<'_>, target: &impl Target) {
        self.look(look, target);
        let known: Vec<_> = self.known.values().copied().collect();
        for (point, before) in known {
            match self.judge_point(look, target, point) {
                Ok(cut) if cut == before => {}
                Ok(cut) => {
                    let id = point.id;
                    let what =
                        format!("point {id} showed {before} writes when it was new, and now shows {cut}");
                    return self.found(Judge::Prefix, look.now, what);
                }
                Err((judge, what)) => return self.found(judge, look.now, what),
            }
        }
    }

    /// Whoever was told that an instant can be restored counts on it.
    fn judge_newest(&mut self, look: Look<'_>, points: &[Point]) {
        let newest = points.iter().map(|point| point.at).max();
        if let Some(before) = self.newest.filter(|before| newest.is_none_or(|newest| newest < *before)) {
            let now = newest.map_or_else(|| "nothing".to_owned(), |at| at.to_string());
            let what = format!("the newest point restored {before}, and now the newest restores {now}");
            self.found(Judge::HonestRpo, look.now, what);
        }
        self.newest = newest.max(self.newest);
    }

    /// Things had gone right for a while.
    pub(super) fn judge_convergence(&mut self, look: Look<'_>, healthy_since: SimTime) {
        match self.newest {
            Some(newest) if newest >= healthy_since => {}
            Some(newest) => {
                let what = format!(
                    "nothing was wrong since {healthy_since}, and at {} the newest point still restores {newest}",
                    look.now
                );
                self.found(Judge::Convergence, look.now, what);
            }
            None => {
                let what = format!(
                    "nothing was wrong since {healthy_since}, and at {} there was no recovery point yet",
                    look.now
                );
                self.found(Judge::Convergence, look.now, what);
            }
        }
    }

    /// How many writes a point shows.
    fn judge_point(
        &mut self,
        look: Look<'_>,
        target: &impl Target,
        point: Point,
    ) -> Result<usize, (Judge, String)> {
        let of_prefix = |what| (Judge::Prefix, format!("point {} {what}", point.id));
        let image = read_image(look.setup, target, point).map_err(of_prefix)?;
        let cut = self.judge_image(look, &image).map_err(of_prefix)?;
        judge_instant(look, point, cut).map_err(|what| (Judge::HonestRpo, what))?;
        if point.is_application {
            judge_pause(look.history, point, cut).map_err(|what| (Judge::ApplicationPoint, what))?;
        }
        Ok(cut)
    }

    fn judge_image(&mut self, look: Look<'_>, image: &[Vec<Change<Stamp>>]) -> Result<usize, String> {
        let cut = cut_of(image, look.history, SITE).map_err(|what| format!("is damaged: {what}"))?;
        if cut < self.expected.position() {
            self.expected = Replay::of_disks(MACHINE, &look.setup.disks);
        }
        self.expected.go_on_to(cut, look.history, SITE);
        for (disk, shown) in image.iter().enumerate() {
            if let Some(difference) = first_difference(shown, &self.expected.runs(disk)) {
                return Err(describe(look.history, cut, disk, difference));
            }
        }
        Ok(cut)
    }
}

fn read_image(setup: &Setup, target: &impl Target, point: Point) -> Result<Vec<Vec<Change<Stamp>>>, String> {
    let disks = setup.disks.iter().enumerate();
    disks.map(|(disk, spec)| read_disk(target, point, disk, spec.sectors)).collect()
}

fn read_disk(
    target: &impl Target,
    point: Point,
    disk: usize,
    disk_sectors: u64,
) -> Result<Vec<Change<Stamp>>, String> {
    let mut runs = Vec::new();
    let mut start = 0;
    while start < disk_sectors {
        let sectors = (disk_sectors - start).min(PIECE_SECTORS) as u32;
        let place = format!("disk {disk} sectors {start} to {}", start + u64::from(sectors));
        let bytes = target.read(point.id, disk, start, sectors);
        let bytes = bytes.ok_or_else(|| format!("is offered, and {place} cannot be read"))?;
        let expected = sectors as usize * SECTOR_BYTES as usize;
        if bytes.len() != expected {
            return Err(format!("gave {} bytes for {place}, expected {expected}", bytes.len()));
        }
        runs.push(Change { start, sectors, content: Block(bytes.into()) });
        start += u64::from(sectors);
    }
    Ok(Block::into_stamps(runs))
}

/// Names the newest write that is shown and the one that is missing before it.
fn describe(history: &History, cut: usize, disk: usize, difference: Difference) -> String {
    let shows = match cut.checked_sub(1).map(|place| history.at(SITE, place)) {
        Some(number) => format!("shows write {number} of disk {}", history.write(number).disk),
        None => "shows no write".to_owned(),
    };
    let lacks = match history.place_of(SITE, difference.expected) {
        Some(Some(place)) => format!("lacks write {} of disk {disk}", history.at(SITE, place)),
        _ => format!("lacks what disk {disk} held before the first write"),
    };
    let holds = match (difference.shown.write, history.place_of(SITE, difference.shown)) {
        (0, _) => "zeroes".to_owned(),
        (DAMAGED, _) => "damage".to_owned(),
        (_, Some(Some(place))) => format!("write {}", history.at(SITE, place)),
        _ => "what it held before the first write".to_owned(),
    };
    format!("{shows} and {lacks}: its sector {} holds {holds}", difference.sector)
}

/// Everything acknowledged before the instant that the point says it restores.
fn judge_instant(look: Look<'_>, point: Point, cut: usize) -> Result<(), String> {
    let (id, at) = (point.id, point.at);
    if at > look.now {
        return Err(format!("point {id} says it restores {at}, and it is only {}", look.now));
    }
    let before = SimTime::from_nanos(at.as_nanos().saturating_sub(1));
    let due = if at == SimTime::ZERO { 0 } else { look.history.position_at(SITE, before) };
    if cut >= due {
        return Ok(());
    }
    let number = look.history.at(SITE, cut);
    Err(format!(
        "point {id} says it restores {at} and lacks write {number} of disk {}, acknowledged at {}",
        look.history.write(number).disk,
        look.history.acknowledged_at(SITE, cut)
    ))
}

/// Everything acknowledged before the pause, nothing after.
fn judge_pause(history: &History, point: Point, cut: usize) -> Result<(), String> {
    let mut pauses = history.pauses(SITE).iter();
    let pause = pauses.rfind(|p| p.from <= point.at && p.until.is_none_or(|until| point.at <= until));
    let (id, at) = (point.id, point.at);
    match pause {
        Some(pause) if pause.position == cut => Ok(()),
        Some(pause) => Err(format!(
            "application-consistent point {id} shows {cut} writes, and at the pause there were {}",
            pause.position
        )),
        None => {
            Err(format!("application-consistent point {id} restores {at}, when no application was paused"))
        }
    }
}
