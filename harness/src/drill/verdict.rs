//! Judges, the timeline, convergence and expectations, as one list of verdicts.

use switchback_engine::control::{ItemState, JobState};
use switchback_engine::{Direction, MachineId, Site};
use switchback_scenarios::model::words::Judge as JudgeWord;

use super::{Drill, StepState};
use crate::check::Judge;
use crate::content::Simulated;
use crate::outcome::{Figures, Outcome, StepOutcome, Verdict, words};
use crate::world::instant;

impl<C: Simulated> Drill<C> {
    /// Lets the judges look at what is left, and sums up.
    pub(super) fn conclude(&mut self) -> Outcome {
        let verdicts = self.verdicts();
        Outcome::new(
            &self.scenario,
            &self.world,
            self.figures(),
            self.step_outcomes(),
            self.failovers.clone(),
            verdicts,
            self.t0,
        )
    }

    /// Lets the judges look at what is left: what everyone has to say. To be asked once, at the end.
    pub(crate) fn verdicts(&mut self) -> Vec<Verdict> {
        if !self.world.is_stuck() {
            self.world.judge_settled();
        }
        let mut verdicts: Vec<Verdict> =
            self.watching().into_iter().filter_map(|judge| self.verdict_of(judge)).collect();
        verdicts.push(self.timeline_verdict());
        verdicts.extend(self.scenario.then_heal.as_ref().map(|_| self.convergence_verdict()));
        let expect = self.scenario.expect.clone();
        verdicts.extend(expect.iter().map(|expect| self.expectation_verdict(expect)));
        verdicts
    }

    /// The judges that the scenario names under `always`, in the order in which they are reported.
    fn watching(&self) -> Vec<Judge> {
        let named: Vec<Judge> =
            self.scenario.always.iter().flat_map(|word| judges_of(*word)).copied().collect();
        let is_watched = |judge: &Judge| named.contains(judge) || *judge == Judge::RunsThrough;
        Judge::ALL.into_iter().filter(is_watched).collect()
    }

    /// A judge's verdict, if it had anything to look at.
    fn verdict_of(&self, judge: Judge) -> Option<Verdict> {
        let judges = self.world.judges();
        let findings = judges.findings().iter().filter(|finding| finding.judge == judge);
        let findings: Vec<String> = findings
            .map(|finding| format!("{}: {}", words::since(finding.at, self.t0), finding.what))
            .collect();
        let looks = judges.looks(judge);
        (looks > 0 || !findings.is_empty()).then(|| Verdict {
            name: judge.title().to_owned(),
            judge: Some(judge),
            held: findings.is_empty(),
            figure: format!("looked {}", words::times(looks)),
            findings,
            asked_for_at: None,
        })
    }

    /// Whether every step was carried out.
    fn timeline_verdict(&self) -> Verdict {
        let done =
            self.steps.iter().filter(|run| matches!(run.state, StepState::Done { well: true, .. })).count();
        let due = (0..self.steps.len()).filter(|at| !self.may_never_begin(*at)).count();
        let mut findings = self.troubles.clone();
        if self.t0.is_none() {
            findings.push("the first copy never became complete".to_owned());
        }
        Verdict {
            name: "the timeline is carried out".to_owned(),
            judge: Some(Judge::Convergence),
            held: findings.is_empty() && done == due,
            figure: format!("{done} of {due} steps"),
            findings,
            asked_for_at: None,
        }
    }

    fn convergence_verdict(&self) -> Verdict {
        let missing = self.missing();
        let heal = self.scenario.then_heal.as_ref();
        Verdict {
            name: "replication converges".to_owned(),
            judge: Some(Judge::Convergence),
            held: missing.is_empty(),
            figure: heal.map_or_else(String::new, |heal| format!("within {}", words::span(heal.within))),
            findings: missing,
            asked_for_at: heal.map(|heal| self.scenario.asked_for_at(heal.source)),
        }
    }

    /// Whether every job is final and every machine under replication is healthy.
    pub(super) fn has_converged(&self) -> bool {
        self.missing().is_empty()
    }

    /// A replica disk that has not grown with the disk of a machine that runs at home and can tell.
    fn too_small(&self, machine: MachineId) -> Option<String> {
        let runs = self.world.running_site(machine) == Some(Site::Primary);
        let disk = self.world.too_small_replica(machine).filter(|_| runs)?;
        let name = &self.scenario.vms[machine.0 as usize].name;
        Some(format!("the replica of disk {} of {name} is smaller than the disk", disk.index))
    }

    /// What keeps the world from being at rest.
    fn missing(&self) -> Vec<String> {
        let Some(control) = self.world.control() else { return vec!["the vault is down".to_owned()] };
        let open = control.jobs().filter(|job| job.state == JobState::InProgress);
        let mut missing: Vec<String> =
            open.map(|job| format!("job {} ({}) has not ended", job.id.0, words::job(job.kind))).collect();
        for vm in &self.scenario.vms {
            let machine = MachineId(vm.index.0 as u32);
            let state = self.world.judges().state(machine);
            let lag = control.rpo_lag(machine, instant(self.world.now()));
            match state {
                _ if self.has_nothing_to_replicate(machine) => {}
                ItemState::Synchronising(_) => missing.push(format!("{} has no recovery point yet", vm.name)),
                ItemState::Protected(_)
                    if lag.is_none_or(|lag| lag > self.scenario.policy.rpo_alert_after) =>
                {
                    let lag = lag.map_or_else(|| "unknown".to_owned(), words::span);
                    missing.push(format!("{} is {lag} behind", vm.name));
                }
                ItemState::Protected(Direction::Forward) => missing.extend(self.too_small(machine)),
                _ => {}
            }
        }
        missing
    }

    /// By the fault atlas: nothing is replicated from or to a site that is lost, nor to Azure through a cache account that
    /// nobody opens, and a group of which an operator keeps a
    /// machine switched off, or lets one run whose disks nobody follows, gets no points.
    pub(super) fn has_nothing_to_replicate(&self, machine: MachineId) -> bool {
        let group = self.world.spec().group_of(machine.0 as usize);
        let is_cut_off = |member: &usize| self.world.judges().is_cut_off(MachineId(*member as u32));
        // A point of a group needs all its machines: one that is elsewhere, or not protected, leaves the others without.
        let way = |member: &usize| match self.world.judges().state(MachineId(*member as u32)) {
            ItemState::Synchronising(direction) | ItemState::Protected(direction) => Some(direction),
            _ => None,
        };
        let is_elsewhere = |member: &usize| way(member) != way(&(machine.0 as usize));
        // Data comes from one side only; a copy that was left behind on the other one may well run.
        let is_off = |member: &usize| match way(member) {
            Some(direction) => {
                let (member, site) = (MachineId(*member as u32), direction.target().other());
                !self.world.is_running(member, site) || self.world.is_unfollowed(member, site)
            }
            None => self.world.running_site(MachineId(*member as u32)).is_none(),
        };
        let goes_to_azure = way(&(machine.0 as usize)) == Some(Direction::Forward);
        self.world.site_is_lost()
            || goes_to_azure && self.world.azure().cache().is_blocked
            || group.is_some_and(|group| {
                group.machines.iter().any(|m| is_off(m) || is_cut_off(m) || is_elsewhere(m))
            })
    }

    fn step_outcomes(&self) -> Vec<StepOutcome> {
        let outcome = |(step, run): (&switchback_scenarios::model::Step, &super::StepRun)| {
            let (began_at, ended_at, well) = match run.state {
                StepState::Waiting => (None, None, false),
                StepState::Running { since, .. } => (Some(since), None, false),
                StepState::Done { since, at, well } => (Some(since), Some(at), well),
            };
            StepOutcome {
                name: step.name.clone(),
                began_at,
                ended_at,
                well,
                line: self.scenario.asked_for_at(step.source),
            }
        };
        self.scenario.timeline.iter().zip(&self.steps).map(outcome).collect()
    }

    pub(crate) fn figures(&self) -> Figures {
        let machines = (0..self.scenario.vms.len() as u32).map(MachineId);
        Figures {
            writes: machines.map(|machine| self.world.history(machine).issued() as u64).sum(),
            points: self.world.judges().points().len() as u64,
            events: self.world.events(),
            simulated: self.world.now().since_start(),
        }
    }
}

/// The judges behind a property of the language.
const fn judges_of(word: JudgeWord) -> &'static [Judge] {
    match word {
        JudgeWord::AtMostOneWritableSide => &[Judge::OneWritableSide],
        JudgeWord::RecoveryPointsArePrefixes => &[Judge::Prefix],
        JudgeWord::GroupPointsAreCausal => &[Judge::CommonCut],
        JudgeWord::ApplicationPointsAreExact => &[Judge::ApplicationPoint],
        JudgeWord::RpoLagIsHonest => &[Judge::HonestRpo],
        JudgeWord::HealthIsHonest => &[Judge::HonestHealth],
        JudgeWord::LatestMeansLatest => &[Judge::LatestMeansLatest],
        // Whether a point could be changed after a commit is one of the refusals that this judge asks for.
        JudgeWord::CommitIsFinal | JudgeWord::StatesAreLegal => &[Judge::StatesAreLegal],
        JudgeWord::NothingIsResurrected => &[Judge::NothingResurrected],
        // Something done twice shows as a second resource or as other disks than the cut.
        JudgeWord::JobsAreIdempotent => &[Judge::JobsEnd, Judge::NoOrphan, Judge::NothingResurrected],
        JudgeWord::JobsEnd => &[Judge::JobsEnd],
        JudgeWord::PlansKeepTheirOrder => &[Judge::PlanOrder],
        JudgeWord::WhatComesUpIsAsAsked => &[Judge::AsAsked],
        JudgeWord::PointsAreKeptAsPromised => &[Judge::Retention],
        JudgeWord::NoOrphans => &[Judge::NoOrphan],
    }
}
