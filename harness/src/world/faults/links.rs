//! Links that are cut, slow or bad.

use core::time::Duration;

use super::{Fault, Impairment};
use crate::content::Simulated;
use crate::world::network::LinkName;
use crate::world::{Happening, World};

/// The links of the line between the sites.
pub const WAN: [LinkName; 2] = [LinkName::WanUp, LinkName::WanDown];

impl<C: Simulated> World<C> {
    /// Cuts links for a while.
    pub fn cut(&mut self, links: &[LinkName], lasting: Duration) {
        self.begin_fault(Fault::Cut(links.to_vec()), Some(lasting));
        self.note(Happening::LinkCut { wan: is_wan(links), lasting });
    }

    /// Limits the rate of links for a while.
    pub fn slow(&mut self, links: &[LinkName], bytes_per_sec: u64, lasting: Duration) {
        self.begin_fault(Fault::Slow(links.to_vec(), bytes_per_sec), Some(lasting));
        self.note(Happening::LinkSlow { wan: is_wan(links), bytes_per_sec, lasting });
    }

    /// Makes links lose, reorder and duplicate for a while. A link that is worse by itself stays so.
    pub fn impair(&mut self, links: &[LinkName], impairment: Impairment, lasting: Duration) {
        self.begin_fault(Fault::Impaired(links.to_vec(), impairment), Some(lasting));
        self.note(Happening::LinkImpaired { wan: is_wan(links), impairment, lasting });
    }

    pub(super) fn apply_to_link(&mut self, name: LinkName) {
        let now = self.now();
        let mut spec = self.spec.link(name).clone();
        let mut is_cut = false;
        for fault in self.under_way.iter() {
            match fault {
                Fault::Cut(links) if links.contains(&name) => is_cut = true,
                Fault::Slow(links, rate) if links.contains(&name) => {
                    let before = spec.bandwidth_bytes_per_sec.unwrap_or(u64::MAX);
                    spec.bandwidth_bytes_per_sec = Some(before.min(*rate));
                }
                Fault::Impaired(links, impairment) if links.contains(&name) => {
                    spec.loss = spec.loss.max(impairment.loss);
                    spec.reorder = spec.reorder.max(impairment.reorder);
                    spec.duplicate = spec.duplicate.max(impairment.duplicate);
                }
                _ => {}
            }
        }
        let link = self.network.link(name);
        if *link.spec() != spec {
            link.set_spec(now, spec);
        }
        match (is_cut, link.is_cut()) {
            (true, false) => link.cut(now),
            (false, true) => link.heal(),
            _ => {}
        }
        self.arm_link(name);
    }
}

fn is_wan(links: &[LinkName]) -> bool {
    links.contains(&LinkName::WanUp)
}
