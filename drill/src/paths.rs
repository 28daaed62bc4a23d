//! Where everything of a vault is: addresses, made from the table of operations that the emulator answers.

use switchback_azure::arm::{NEWEST_VERSION, operations};

use crate::transport::{Method, Request};

/// A vault at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Scheme and authority, such as `https://management.azure.com`.
    pub endpoint: String,
    /// The subscription's GUID.
    pub subscription: String,
    /// The resource group.
    pub resource_group: String,
    /// Its name.
    pub name: String,
}

impl Vault {
    /// Its path, as ids begin.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/providers/Microsoft.RecoveryServices/vaults/{}", self.group_path(), part(&self.name))
    }

    fn group_path(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", part(&self.subscription), part(&self.resource_group))
    }

    /// The id of a resource of the vault's resource group; what is an id already stays.
    #[must_use]
    pub fn resource_id(&self, resource_type: &str, name: &str) -> String {
        if name.starts_with('/') {
            return name.to_owned();
        }
        format!("{}/providers/{resource_type}/{name}", self.group_path())
    }

    /// The id of a resource group of the subscription; what is an id already stays.
    #[must_use]
    pub fn group_id(&self, name: &str) -> String {
        if name.starts_with('/') {
            return name.to_owned();
        }
        format!("/subscriptions/{}/resourceGroups/{name}", self.subscription)
    }

    /// A request for an operation of the table, with the names in its path in order.
    ///
    /// # Panics
    /// When there is no such operation, or its path has another number of names: both are mistakes of the program.
    #[must_use]
    pub fn request(&self, operation: &str, names: &[&str]) -> Request {
        let row = operations::named(operation).unwrap_or_else(|| panic!("{operation} is no operation"));
        let method = Method::named(row.method).unwrap_or_else(|| panic!("{} is no verb", row.method));
        Request { method, url: self.url_below(&filled(row.path, names)), body: None }
    }

    /// The address of an operation that only looks.
    ///
    /// # Panics
    /// As [`Vault::request`].
    #[must_use]
    pub fn url(&self, operation: &str, names: &[&str]) -> String {
        self.request(operation, names).url
    }

    /// The id of what an operation shows.
    ///
    /// # Panics
    /// As [`Vault::request`].
    #[must_use]
    pub fn id(&self, operation: &str, names: &[&str]) -> String {
        let url = self.url(operation, names);
        let path = url.strip_prefix(&self.endpoint).unwrap_or(&url);
        path.split('?').next().unwrap_or_default().to_owned()
    }

    fn url_below(&self, below: &str) -> String {
        format!("{}{}/{below}?api-version={NEWEST_VERSION}", self.endpoint, self.path())
    }
}

/// A path of the table with names in place of what stands in braces.
fn filled(template: &str, names: &[&str]) -> String {
    let mut left = names.iter();
    let parts: Vec<String> = template
        .split('/')
        .map(|template| match template.strip_prefix('{') {
            Some(what) => part(left.next().unwrap_or_else(|| panic!("{what} is not given"))),
            None => template.to_owned(),
        })
        .collect();
    assert!(left.next().is_none(), "more names than {template} has");
    parts.join("/")
}

/// A name as a part of a path. Braces stay: no name has them, and they show what is not known yet.
fn part(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'0'..=b'9'
            | b'a'..=b'z'
            | b'A'..=b'Z'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'{'
            | b'}'
            | b'('
            | b')' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault {
            endpoint: "https://localhost:1".to_owned(),
            subscription: "s-1".to_owned(),
            resource_group: "group".to_owned(),
            name: "rsv".to_owned(),
        }
    }

    #[test]
    fn addresses_come_from_the_table_of_operations() {
        let request = vault().request("replication_protected_items_test_failover", &["f", "c", "web 01"]);
        assert_eq!(request.method, Method::Post);
        assert_eq!(
            request.url,
            "https://localhost:1/subscriptions/s-1/resourceGroups/group/providers/Microsoft.RecoveryServices/vaults/rsv/\
             replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/web%2001/testFailover\
             ?api-version=2025-08-01"
        );
        let id = vault().id("replication_policies_get", &["p"]);
        assert!(
            id.starts_with("/subscriptions/s-1/") && id.ends_with("/vaults/rsv/replicationPolicies/p"),
            "{id}"
        );
    }

    #[test]
    #[should_panic(expected = "is no operation")]
    fn an_operation_that_the_service_does_not_have_is_no_address() {
        let _ = vault().request("replication_protected_items_fly_home", &[]);
    }

    #[test]
    fn a_name_cannot_become_a_path() {
        let id = vault().id("replication_policies_get", &["../../a/b?c=d#e%2F"]);
        assert!(id.ends_with("/replicationPolicies/..%2F..%2Fa%2Fb%3Fc%3Dd%23e%252F"), "{id}");
    }
}
