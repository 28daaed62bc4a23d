//! What a scenario expects of the vault as a whole: its health, and the mails that go out.

use switchback_scenarios::model::{Subject, VaultCounts};

use super::Drill;
use crate::content::Simulated;
use crate::outcome::vault;

impl<C: Simulated> Drill<C> {
    /// Whether a mail about a code went out for one of the machines, or for the whole site.
    pub(super) fn alerted(&self, subject: Subject, code: &str) -> (String, bool, String) {
        let mails = vault::alerts(&self.world, &self.scenario);
        let theirs = mails.iter().filter(|mail| {
            mail.machine.is_none_or(|machine| self.members(subject).any(|member| member == machine))
        });
        let about: Vec<&str> = theirs.map(|mail| mail.code.as_str()).collect();
        let name = format!("mail about {code} for {}", self.scenario.subject_name(subject));
        (name, about.contains(&code), format!("[{}], wanted {code}", about.join(", ")))
    }

    /// The health of the vault at the end.
    pub(super) fn vault_is(&self, wanted: &VaultCounts) -> (String, bool, String) {
        let health = vault::health(&self.world);
        let counts = health.protected_items;
        let found = [
            ("normal", u64::from(counts.normal), wanted.normal),
            ("warning", u64::from(counts.warning), wanted.warning),
            ("critical", u64::from(counts.critical), wanted.critical),
            ("errors", health.errors.len() as u64, wanted.errors),
        ];
        let held = found.iter().all(|(_, found, wanted)| wanted.is_none_or(|wanted| wanted == *found));
        let said: Vec<String> = found
            .iter()
            .map(|(what, found, wanted)| {
                let wanted = wanted.map_or_else(String::new, |wanted| format!(" (wanted {wanted})"));
                format!("{found} {what}{wanted}")
            })
            .collect();
        ("health of the vault".to_owned(), held, said.join(", "))
    }
}
