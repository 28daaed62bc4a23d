//! Microsoft.Storage/storageAccounts: the cache account, where replicated writes land before they reach the replicas.

/// The cache storage account. It counts what passes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageAccount {
    /// Its name.
    pub name: String,
    /// Bytes that were written to it.
    pub bytes_in: u64,
    /// Bytes that were read from it.
    pub bytes_out: u64,
    /// Whether it takes nothing: a rule of its firewall, a key that was changed, a name that is not resolved.
    pub is_blocked: bool,
}

impl StorageAccount {
    /// Takes an upload of so many bytes; false when it refuses it.
    pub const fn takes(&mut self, bytes: u64) -> bool {
        if !self.is_blocked {
            self.record_in(bytes);
        }
        !self.is_blocked
    }

    /// Counts bytes written to it.
    pub const fn record_in(&mut self, bytes: u64) {
        self.bytes_in = self.bytes_in.saturating_add(bytes);
    }

    /// Counts bytes read from it.
    pub const fn record_out(&mut self, bytes: u64) {
        self.bytes_out = self.bytes_out.saturating_add(bytes);
    }
}
