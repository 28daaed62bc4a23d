//! The judges. They hold what really happened ([`crate::truth`]) and what can be read back from recovery points and
//! recovered machines, and compare the two. To decide whether the engine is right they never read what the engine
//! believes about itself; what it says of itself to others is a claim, and is held against the rest.
//!
//! | file | judge |
//! |---|---|
//! | `atlas` | what is known beforehand to be unrecoverable after which fault |
//! | `image` | comparing what a disk shows with what a prefix of a history makes of it |
//! | `points` | prefix, common cut, application point: every recovery point, when it is made and while it is kept |
//! | `recovery` | recovered machines: prefix, the chosen point, nothing resurrected, latest means latest |
//! | `overhear` | what a target has acknowledged and chosen, taken from the wire |
//! | `endings` | a machine that goes down in order, and says that it has sent everything, has sent its last marker |
//! | `lag` | honest RPO |
//! | `told` | what is told of health is so: silence, blocked uploads, churn, caches and load |
//! | `rules` | which states follow each other and what may be asked in them, by the product's documents |
//! | `states` | legal states, one writable side |
//! | `asked` | what comes up in Azure and at home is what was asked for |
//! | `kept` | points are kept as long as the policy says |
//! | `calls` | what a job asks a site for is done once |
//! | `plans` | machines of a recovery plan start group by group, and from one point where that was asked for |
//! | `moves` | a machine that was moved to another process server sends there |
//! | `ready` | what a job may begin with: a source that is there, no other move, room on the host |
//! | `left` | a machine that another one was created for at home stays as it was |
//! | `settled` | jobs end, no orphan, refusals change nothing |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchback_engine::control::JobId;
use switchback_engine::role::{CallId, CommandId};
use switchback_engine::script::ScriptStep;
use switchback_engine::{Consistency, GroupId, MachineId, PointId, RecoveryPoint, Site};
use switchback_sim::SimTime;

use crate::content::Simulated;
use crate::truth::Loss;

mod asked;
mod atlas;
mod calls;
mod endings;
mod image;
mod kept;
mod lag;
mod left;
mod moves;
mod overhear;
mod plans;
mod points;
mod ready;
mod recovery;
mod refused;
mod rules;
mod settled;
mod states;
mod told;

pub(crate) use asked::differences;
use atlas::Atlas;
pub(crate) use image::{Difference, Replay, cut_of, first_difference};
pub use lag::LagSample;
use left::Left;
use moves::Moves;
pub(crate) use overhear::Tap;
use ready::Beginnings;
pub(crate) use rules::{is_known_change, states as item_states};
use states::Reported;
use told::Told;

/// What a judge looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// A recovery point holds exactly the writes before some cut of the machine's write order, on all its disks.
    Prefix,
    /// In a group the cut is causal across machines: no effect without its cause.
    CommonCut,
    /// An application-consistent point holds everything acknowledged before the pause, and nothing after.
    ApplicationPoint,
    /// The lag that is reported is never smaller than the true one.
    HonestRpo,
    /// What is told of silence, load and lags is so, and what is so is told.
    HonestHealth,
    /// A failover to the latest point loses only what had not reached the target.
    LatestMeansLatest,
    /// A recovered machine's disks equal the source at the chosen cut, sector by sector.
    NothingResurrected,
    /// Never two running copies, except after a failed or unasked shutdown.
    OneWritableSide,
    /// When the dust settles no disk, machine or address is left over.
    NoOrphan,
    /// Every job reaches a final state, what it asks a site for is done once, what it starts can start, and a machine
    /// that it has moved to another process server sends there.
    JobsEnd,
    /// Only legal changes of state, and what is not allowed is refused and changes nothing.
    StatesAreLegal,
    /// No machine of a recovery plan is started before those of an earlier group.
    PlanOrder,
    /// A machine that comes up has the properties, and is at the place, that were asked for, and breaks no rule.
    AsAsked,
    /// Points are kept as long as the policy promises, and no longer.
    Retention,
    /// The objectives that the scenario asked for.
    PromisedTimes,
    /// After faults stop, replication becomes healthy within a bound.
    Convergence,
    /// The program neither panics nor goes round in circles.
    RunsThrough,
}

impl Judge {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 17] = [
        Self::Prefix,
        Self::CommonCut,
        Self::ApplicationPoint,
        Self::HonestRpo,
        Self::HonestHealth,
        Self::LatestMeansLatest,
        Self::NothingResurrected,
        Self::OneWritableSide,
        Self::NoOrphan,
        Self::JobsEnd,
        Self::StatesAreLegal,
        Self::PlanOrder,
        Self::AsAsked,
        Self::Retention,
        Self::PromisedTimes,
        Self::Convergence,
        Self::RunsThrough,
    ];

    /// What it looks after, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Prefix => "points are prefixes of the write order",
            Self::CommonCut => "group cuts are causal",
            Self::ApplicationPoint => "application points are whole",
            Self::HonestRpo => "reported RPO lag is honest",
            Self::HonestHealth => "reported health is honest",
            Self::LatestMeansLatest => "latest means latest",
            Self::NothingResurrected => "recovered disks equal the cut",
            Self::OneWritableSide => "one writable side",
            Self::NoOrphan => "nothing is left over",
            Self::JobsEnd => "jobs end",
            Self::StatesAreLegal => "states are legal",
            Self::PlanOrder => "plans keep their order",
            Self::AsAsked => "what comes up is as asked",
            Self::Retention => "points are kept as promised",
            Self::PromisedTimes => "objectives are met",
            Self::Convergence => "replication converges",
            Self::RunsThrough => "the program runs through",
        }
    }

    /// Whether a finding of it says that something bad happened, not that something good did not.
    #[must_use]
    pub const fn is_safety(self) -> bool {
        !matches!(self, Self::PromisedTimes | Self::Convergence | Self::JobsEnd)
    }
}

/// Something a judge found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Who found it.
    pub judge: Judge,
    /// When.
    pub at: SimTime,
    /// What, in one sentence with its numbers.
    pub what: String,
}

/// A recovery point as a judge read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedPoint {
    /// Where it is kept.
    pub site: Site,
    /// Whose.
    pub group: GroupId,
    /// Which.
    pub id: PointId,
    /// What it promises.
    pub consistency: Consistency,
    /// The instant it restores.
    pub at: SimTime,
    /// When it came into being.
    pub created_at: SimTime,
    /// How many writes of each machine's history it holds.
    pub positions: Vec<(MachineId, usize)>,
}

/// A machine that went on from a recovered state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedRecovery {
    /// Which.
    pub machine: MachineId,
    /// Where it goes on.
    pub site: Site,
    /// When it was started.
    pub at: SimTime,
    /// How many writes of its history it has.
    pub position: usize,
    /// What it lost.
    pub loss: Loss,
}

/// All judges, with what they have seen and found.
#[derive(Debug, Clone)]
pub struct Judges<C: Simulated> {
    /// Look at recovery points and disks. Off only to measure what looking costs.
    pub(crate) reads_back: bool,
    findings: Vec<Finding>,
    /// How often each judge has looked, in their order.
    looks: [u64; Judge::ALL.len()],
    points: Vec<JudgedPoint>,
    /// Where among them the points of each group at a site are.
    point_places: BTreeMap<(Site, GroupId), Vec<usize>>,
    recoveries: Vec<JudgedRecovery>,
    replays: BTreeMap<(MachineId, Site), Replay>,
    tap: Tap<C>,
    endings: endings::Endings,
    /// Machines whose disks at home an operator has moved since they were last asked home.
    pub(crate) moved_at_home: BTreeSet<MachineId>,
    /// Machines whose disks at a site were replaced by recovered ones and that have not been started from them.
    replaced: BTreeSet<(MachineId, Site)>,
    /// How many writes each machine had when it was last started from recovered disks.
    started_from: BTreeMap<MachineId, usize>,
    /// How many writes each machine had when it was last brought up by a plan that was to go to shared points, and by
    /// which request.
    shared_from: BTreeMap<MachineId, (CommandId, usize)>,
    /// When each script of a plan's job was first asked for.
    pub(crate) script_asked: BTreeMap<(JobId, ScriptStep), SimTime>,
    /// How many writes each machine had on its side when its system was last shut down in order.
    shut_down_at: BTreeMap<(MachineId, Site), usize>,
    /// Cuts of groups, by source, up to which every effect is known to have its cause.
    causal: BTreeMap<(GroupId, Site), Vec<(MachineId, usize)>>,
    /// What the vault has reported of each machine.
    reported: BTreeMap<MachineId, Reported>,
    lags: Vec<LagSample>,
    told: Told,
    /// Calls to a site that have changed something.
    calls_done: BTreeSet<CallId>,
    /// How many disks each machine has.
    disk_counts: Vec<usize>,
    left: Vec<Left>,
    /// The points of each journal when one last came into being.
    kept: BTreeMap<(Site, GroupId), Arc<[RecoveryPoint]>>,
    moves: Moves,
    beginnings: Beginnings,
    /// How many replica disks a machine had when its protection was last asked for.
    replicas_before: BTreeMap<MachineId, usize>,
    atlas: Atlas,
}

impl<C: Simulated> Judges<C> {
    /// Judges of a world whose machines have so many disks.
    pub(crate) fn new(disk_counts: Vec<usize>) -> Self {
        Self {
            reads_back: true,
            findings: Vec::new(),
            looks: [0; Judge::ALL.len()],
            points: Vec::new(),
            point_places: BTreeMap::new(),
            recoveries: Vec::new(),
            replays: BTreeMap::new(),
            tap: Tap::default(),
            endings: endings::Endings::default(),
            moved_at_home: BTreeSet::new(),
            replaced: BTreeSet::new(),
            started_from: BTreeMap::new(),
            shared_from: BTreeMap::new(),
            script_asked: BTreeMap::new(),
            shut_down_at: BTreeMap::new(),
            causal: BTreeMap::new(),
            reported: BTreeMap::new(),
            lags: Vec::new(),
            told: Told::default(),
            calls_done: BTreeSet::new(),
            disk_counts,
            left: Vec::new(),
            kept: BTreeMap::new(),
            moves: Moves::default(),
            beginnings: Beginnings::default(),
            replicas_before: BTreeMap::new(),
            atlas: Atlas::default(),
        }
    }
}

impl<C: Simulated> Judges<C> {
    /// Everything that was found, in order.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How often a judge has looked at something.
    #[must_use]
    pub fn looks(&self, judge: Judge) -> u64 {
        self.looks[judge as usize]
    }

    /// Somebody has set something right.
    pub(crate) fn something_was_set_right(&mut self) {
        self.beginnings.was_set_right();
    }

    fn note_point(&mut self, point: JudgedPoint) {
        self.point_places.entry((point.site, point.group.whole())).or_default().push(self.points.len());
        self.points.push(point);
    }

    /// Every recovery point that came into being, oldest first.
    #[must_use]
    pub fn points(&self) -> &[JudgedPoint] {
        &self.points
    }

    /// Every recovery, oldest first.
    #[must_use]
    pub fn recoveries(&self) -> &[JudgedRecovery] {
        &self.recoveries
    }

    /// The reported lag of each machine over time.
    #[must_use]
    pub fn lags(&self) -> &[LagSample] {
        &self.lags
    }

    pub(crate) fn looked(&mut self, judge: Judge) {
        self.looks[judge as usize] += 1;
    }

    /// The machine's disks at a site were replaced by recovered ones: the next start goes on from those.
    pub(crate) fn disks_replaced(&mut self, machine: MachineId, site: Site) {
        self.replaced.insert((machine, site));
    }
}

impl<C: Simulated> crate::World<C> {
    /// Takes note of what a judge found.
    pub fn found(&mut self, judge: Judge, what: String) {
        let finding = Finding { judge, at: self.now(), what };
        self.note(crate::world::Happening::Found(finding.clone()));
        self.judges.findings.push(finding);
    }
}
