//! Process servers and master targets that a scenario adds, and which of them a reprotect names.

use crate::check::site::DATASTORE_MAX;
use crate::check::{Check, Names};
use crate::decode::{NonEmpty, Spanned};
use crate::diagnostic::Diagnostic;
use crate::model::words::{DriveUse, FileSystem, LocationWord, OsKind};
use crate::model::{
    Action, DatastoreIndex, Drive, DriveIndex, MasterTargetIndex, NamedMasterTarget, NamedProcessServer,
    ProcessServer, ProcessServerChoice, standard_drives,
};
use crate::raw;
use crate::scalars::Name;
use crate::source::Span;

/// More than any site has; an address of the engine has room for as many.
const SERVERS_MAX: usize = 64;
/// Drive letters.
const DRIVES_MAX: usize = 26;

impl Check<'_> {
    pub(super) fn further_process_servers(&mut self, raw: &raw::Scenario) -> Vec<NamedProcessServer> {
        let servers = raw.process_servers.as_deref().unwrap_or_default();
        let names: Vec<_> = servers.iter().map(|server| &server.name).collect();
        let reserved = [ProcessServerChoice::ON_PREMISES, ProcessServerChoice::AZURE];
        self.names_of_servers("the process server", &names, &reserved);
        let usual = ProcessServer::default().cache;
        servers
            .iter()
            .map(|server| {
                if let Some(cache) = server.cache {
                    self.size_within(cache, 1 << 20, DATASTORE_MAX, "the cache of a process server");
                }
                NamedProcessServer {
                    name: server.name.value.0.clone(),
                    cache: server.cache.map_or(usual, |cache| cache.value.0),
                    source: self.at(server.span),
                }
            })
            .collect()
    }

    pub(super) fn further_master_targets(&mut self, raw: &raw::Scenario) -> Option<Vec<NamedMasterTarget>> {
        let targets = raw.master_targets.as_deref().unwrap_or_default();
        let names: Vec<_> = targets.iter().map(|target| &target.name).collect();
        self.names_of_servers("the master target", &names, &[MasterTargetIndex::NAME]);
        let mut out = Some(Vec::new());
        for target in targets {
            let drives = self.drives(target.drives.as_ref());
            let datastore = match &target.datastore {
                None => Some(0),
                Some(name) => {
                    let who = format!("the master target `{}` uses the datastore", target.name.value.0);
                    self.resolve(&name.value.0, name.span, &who, &Names::datastores(raw))
                }
            };
            match (datastore, &mut out) {
                (Some(datastore), Some(list)) => list.push(NamedMasterTarget {
                    name: target.name.value.0.clone(),
                    datastore: DatastoreIndex(datastore),
                    os: target.os.map_or(OsKind::Windows, |os| os.value),
                    authenticating_proxy: target.authenticating_proxy.is_some_and(|flag| flag.value.0),
                    drives,
                    source: self.at(target.span),
                }),
                _ => out = None,
            }
        }
        out
    }

    pub(super) fn drives(&mut self, raw: Option<&NonEmpty<raw::Drive>>) -> Vec<Drive> {
        let Some(raw) = raw else { return standard_drives() };
        let names: Vec<(&str, Span)> =
            raw.0.iter().map(|drive| (drive.name.value.0.as_str(), drive.name.span)).collect();
        self.unique("the drive", &names);
        if let Some((_, beyond)) = names.get(DRIVES_MAX) {
            self.too_many(*beyond, "drives", DRIVES_MAX);
        }
        raw.0
            .iter()
            .map(|drive| {
                self.size_within(drive.capacity, 0, DATASTORE_MAX, "the capacity of a drive");
                Drive {
                    name: drive.name.value.0.clone(),
                    capacity: drive.capacity.value.0,
                    holds: drive.holds.map_or(DriveUse::Nothing, |holds| holds.value),
                    file_system: drive.file_system.map_or(FileSystem::Ntfs, |kind| kind.value),
                    locked: drive.locked.is_some_and(|locked| locked.value.0),
                }
            })
            .collect()
    }

    fn names_of_servers(&mut self, what: &str, names: &[&Spanned<Name>], reserved: &[&str]) {
        let spans: Vec<(&str, Span)> = names.iter().map(|name| (name.value.0.as_str(), name.span)).collect();
        self.unique(what, &spans);
        for (name, span) in spans.iter().filter(|(name, _)| reserved.contains(name)) {
            self.d.report(
                Diagnostic::new("scenario::duplicate_name", format!("{what} `{name}` is there already"))
                    .label(*span, "every site has one of this name")
                    .help("give it another name"),
            );
        }
        if let Some((_, beyond)) = spans.get(SERVERS_MAX) {
            self.too_many(*beyond, "servers", SERVERS_MAX);
        }
    }

    fn too_many(&mut self, span: Span, what: &str, most: usize) {
        self.impossible(
            span,
            format!("more than {most} {what}"),
            "this one is too many".to_owned(),
            &format!("up to {most} are possible"),
        );
    }

    pub(super) fn reprotect(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::Reprotect,
        which: &str,
    ) -> Option<Action> {
        let subject = self.subject(raw, args.subject(), &format!("{which} re-protects"));
        let who = format!("{which} goes through the process server");
        let process_server =
            args.process_server.as_ref().map(|name| self.process_server_called(raw, name, &who));
        let master_target = args.master_target.as_ref().map(|name| {
            let who = format!("{which} comes home to the master target");
            let place = self.resolve(&name.value.0, name.span, &who, &Names::master_targets(raw));
            place.map(MasterTargetIndex)
        });
        let retention_drive = args.retention_drive.as_ref().map(|name| {
            let target = master_target.unwrap_or(Some(MasterTargetIndex::CONFIGURATION_SERVER))?;
            self.drive_called(raw, target, name, which).map(DriveIndex)
        });
        let datastore = self.new_disks(raw, args.datastore.as_ref(), &format!("{which} makes disks in"));
        Some(Action::Reprotect {
            subject: subject?,
            process_server: known(process_server)?,
            master_target: known(master_target)?,
            retention_drive: known(retention_drive)?,
            datastore: datastore?,
            location: args.location.map_or(LocationWord::Original, |word| word.value),
        })
    }

    pub(super) fn switch_process_server(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::SwitchProcessServer,
        which: &str,
    ) -> Option<Action> {
        let subject = self.subject(raw, args.subject(), &format!("{which} moves"));
        let to = self.process_server_called(raw, &args.to, &format!("{which} moves to the process server"));
        Some(Action::SwitchProcessServer { subject: subject?, to: to? })
    }

    pub(super) fn process_server_called(
        &mut self,
        raw: &raw::Scenario,
        name: &Spanned<Name>,
        who: &str,
    ) -> Option<ProcessServerChoice> {
        let place = self.resolve(&name.value.0, name.span, who, &Names::process_servers(raw));
        place.map(ProcessServerChoice::of_number)
    }

    fn drive_called(
        &mut self,
        raw: &raw::Scenario,
        target: MasterTargetIndex,
        name: &Spanned<Name>,
        which: &str,
    ) -> Option<usize> {
        let drives = match target.0 {
            0 => raw.master_target.as_ref().and_then(|target| target.drives.as_ref()),
            number => raw.master_targets.as_deref()?.get(number - 1)?.drives.as_ref(),
        };
        let standard = standard_drives();
        let described = drives.iter().flat_map(|drives| &drives.0);
        let usual = standard.iter().filter(|_| drives.is_none());
        let table = Names {
            code: "scenario::unknown_drive",
            noun: "drive",
            scope: "its master target",
            parts: &["a drive", "a master target"],
            always: usual.map(|drive| drive.name.as_str()).collect(),
            entries: described.map(|drive| (drive.name.value.0.as_str(), drive.name.span)).collect(),
        };
        self.resolve(&name.value.0, name.span, &format!("{which} keeps what arrives on the drive"), &table)
    }
}

/// What was not said is not said; what was said must be known.
const fn known<T: Copy>(named: Option<Option<T>>) -> Option<Option<T>> {
    match named {
        None => Some(None),
        Some(None) => None,
        Some(found) => Some(found),
    }
}

impl<'n> Names<'n> {
    fn process_servers(raw: &'n raw::Scenario) -> Self {
        let further = raw.process_servers.as_deref().unwrap_or_default();
        let further = further.iter().map(|server| (server.name.value.0.as_str(), server.name.span));
        Self {
            code: "scenario::unknown_process_server",
            noun: "process server",
            scope: "this scenario",
            parts: &["a process server"],
            always: vec![ProcessServerChoice::ON_PREMISES, ProcessServerChoice::AZURE],
            entries: further.collect(),
        }
    }

    fn master_targets(raw: &'n raw::Scenario) -> Self {
        let further = raw.master_targets.as_deref().unwrap_or_default();
        let further = further.iter().map(|target| (target.name.value.0.as_str(), target.name.span));
        Self {
            code: "scenario::unknown_master_target",
            noun: "master target",
            scope: "this scenario",
            parts: &["a master target"],
            always: vec![MasterTargetIndex::NAME],
            entries: further.collect(),
        }
    }
}
