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
}

impl StorageAccount {
    /// Counts bytes written to it.
    pub const fn record_in(&mut self, bytes: u64) {
        self.bytes_in = self.bytes_in.saturating_add(bytes);
    }

    /// Counts bytes read from it.
    pub const fn record_out(&mut self, bytes: u64) {
        self.bytes_out = self.bytes_out.saturating_add(bytes);
    }
}
