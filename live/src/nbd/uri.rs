//! Addresses as people write them.

use std::str::FromStr;

use thiserror::Error;

use super::Address;

/// What was written is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "expected an address such as 127.0.0.1:10809, nbd://127.0.0.1:10809, unix:/run/disk.sock or nbd+unix:///?socket=/run/disk.sock; found {0:?}"
)]
pub struct NoAddress(String);

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let path = text.strip_prefix("unix:").or_else(|| text.strip_prefix("nbd+unix:///?socket="));
        if let Some(path) = path {
            return if path.is_empty() {
                Err(NoAddress(text.to_owned()))
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let address = text.strip_prefix("nbd://").unwrap_or(text);
        address.parse().map(Self::Tcp).map_err(|_| NoAddress(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_is_shown_as_can_be_read_again() {
        for text in ["127.0.0.1:10809", "nbd://[::1]:7", "unix:/run/disk.sock", "nbd+unix:///?socket=/a/b"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_none_says_what_one_is() {
        for text in ["", "localhost", "unix:", "nbd://disk"] {
            let refused = text.parse::<Address>().unwrap_err().to_string();
            assert!(refused.contains("expected an address") && refused.contains(text), "{refused}");
        }
    }
}
