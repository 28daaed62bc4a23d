//! What is the matter with machines and servers: whether it can be, and with whom.

use std::collections::BTreeSet;

use crate::check::Check;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::VmIndex;
use crate::model::conditions::ConditionWord;
use crate::model::words::{MachineKind, OsKind};
use crate::raw;

impl Check<'_> {
    /// The conditions of a machine from the beginning.
    pub(super) fn guest(&mut self, vm: &raw::Vm) -> BTreeSet<ConditionWord> {
        let given = vm.guest.iter().flat_map(|words| &words.0);
        let mut conditions = BTreeSet::new();
        for word in given {
            if word.value.is_of_servers() {
                self.wrong_owner(*word, "it is the matter with the servers, and not with a machine");
            } else if word.value.ends_with_restart() {
                self.wrong_owner(*word, "a machine that is started has its driver; a `break` step takes it");
            } else {
                self.goes_with(*word, vm);
                conditions.insert(word.value);
            }
        }
        conditions
    }

    /// Whose condition a step brings about or repairs; `None` when that is wrong.
    pub(super) fn condition(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::Condition,
        who: &str,
    ) -> Option<(Option<VmIndex>, ConditionWord)> {
        let what = args.what;
        match &args.vm {
            None if what.value.is_of_servers() => Some((None, what.value)),
            None => {
                self.d.report(
                    Diagnostic::new(
                        "scenario::missing_key",
                        format!("`{}` is the matter with a machine, and there is no `vm`", what.value),
                    )
                    .label(args.span, "with which machine?")
                    .help("add `vm:` with the name of the machine"),
                );
                None
            }
            Some(vm) if what.value.is_of_servers() => {
                self.wrong_owner(
                    Spanned { value: what.value, span: vm.span },
                    "the servers are nobody's: take `vm` away",
                );
                None
            }
            Some(vm) => {
                let index = self.vm_named(raw, vm, who)?;
                let machine = raw.groups().flat_map(|group| &group.vms.0).nth(index.0)?;
                self.goes_with(what, machine);
                Some((Some(index), what.value))
            }
        }
    }

    /// A driver comes back with a restart, and with nothing else.
    pub(super) fn can_be_repaired(&mut self, what: Spanned<ConditionWord>) {
        if what.value.ends_with_restart() {
            self.wrong_owner(what, "only a restart of the machine ends it: `stop` and `start` it");
        }
    }

    fn goes_with(&mut self, word: Spanned<ConditionWord>, vm: &raw::Vm) {
        let kind = vm.kind.map_or(MachineKind::Vmware, |kind| kind.value);
        if !word.value.goes_with_kind(kind) {
            self.wrong_owner(word, "a physical server is not in the inventory of the vCenter");
        }
        let os = vm.os.map_or(OsKind::Windows, |os| os.value);
        if !word.value.goes_with(os) {
            self.d.report(
                Diagnostic::new(
                    "scenario::conflicting_keys",
                    format!("`{}` cannot be the matter with a machine that runs {os}", word.value),
                )
                .label(word.span, "only the other operating system knows it")
                .help("choose another condition, or another `os`"),
            );
        }
    }

    fn wrong_owner(&mut self, word: Spanned<ConditionWord>, why: &str) {
        self.d.report(
            Diagnostic::new("scenario::conflicting_keys", format!("`{}` does not belong here", word.value))
                .label(word.span, why)
                .help("the reference of the language says whose condition is whose"),
        );
    }
}
