//! What the owner of the subscription allows to be made: an Azure Policy with the effect *deny*.

use crate::quota::VmSize;
use crate::refusal::Refusal;

/// The built-in policy on the sizes of machines.
const SIZES: &str = "Allowed virtual machine size SKUs";
/// The built-in policy on public addresses.
const PUBLIC_ADDRESSES: &str = "Network interfaces should not have public IPs";

/// What may be made. Nothing is denied at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The only sizes that machines may have, by name; any when it is empty.
    pub sizes: Vec<String>,
    /// Whether an interface may have a public address.
    pub public_addresses: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { sizes: Vec::new(), public_addresses: true }
    }
}

impl Policy {
    /// Whether a machine may be made. What is there already stays.
    ///
    /// # Errors
    /// [`Refusal::DisallowedByPolicy`] with the name of the first policy that denies it.
    pub(crate) fn check(&self, size: VmSize, has_public_address: bool) -> Result<(), Refusal> {
        if !self.sizes.is_empty() && !self.sizes.iter().any(|allowed| allowed == size.name()) {
            return Err(Refusal::DisallowedByPolicy(SIZES));
        }
        if has_public_address && !self.public_addresses {
            return Err(Refusal::DisallowedByPolicy(PUBLIC_ADDRESSES));
        }
        Ok(())
    }
}
