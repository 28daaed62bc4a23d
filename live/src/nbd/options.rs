//! What options carry, read; and what they are answered, written. Nothing here sends.

use super::exports::Served;
use super::wire::{
    ALLOCATION_CONTEXT, Fields, OPTION_REPLY_BYTES, OPTION_REPLY_MAGIC, PAYLOAD_BYTES_MAX, PREFERRED_BYTES,
    SECTOR_BYTES, info,
};

/// What INFO and GO ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InfoAsked<'a> {
    pub(super) name: &'a str,
    /// Kinds of information, by number.
    pub(super) kinds: Vec<u16>,
}

impl<'a> InfoAsked<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let name = fields.text()?;
        let count = fields.u16()?;
        let kinds = (0..count).map(|_| fields.u16()).collect::<Option<_>>()?;
        fields.is_at_end().then_some(Self { name, kinds })
    }
}

/// What LIST_META_CONTEXT and SET_META_CONTEXT ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContextsAsked<'a> {
    pub(super) name: &'a str,
    pub(super) queries: Vec<&'a str>,
}

impl<'a> ContextsAsked<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let name = fields.text()?;
        let count = fields.u32()?;
        let queries = (0..count).map(|_| fields.text()).collect::<Option<_>>()?;
        fields.is_at_end().then_some(Self { name, queries })
    }

    /// Whether the one context that there is shall be listed: nothing lists all, and its namespace alone lists it.
    pub(super) fn lists_allocation(&self) -> bool {
        self.queries.is_empty()
            || self.queries.iter().any(|query| [ALLOCATION_CONTEXT, "base:"].contains(query))
    }

    /// Whether it shall be set.
    pub(super) fn sets_allocation(&self) -> bool {
        self.queries.contains(&ALLOCATION_CONTEXT)
    }
}

/// The header of an answer to an option.
pub(super) fn reply_header(option: u32, reply: u32, length: usize) -> [u8; OPTION_REPLY_BYTES] {
    let mut bytes = [0; OPTION_REPLY_BYTES];
    bytes[..8].copy_from_slice(&OPTION_REPLY_MAGIC.to_be_bytes());
    bytes[8..12].copy_from_slice(&option.to_be_bytes());
    bytes[12..16].copy_from_slice(&reply.to_be_bytes());
    // Names and messages are bounded far below this.
    bytes[16..].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    bytes
}

/// One line of LIST.
pub(super) fn listed(served: &Served) -> Vec<u8> {
    let length = u32::try_from(served.name.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), served.name.as_bytes(), served.description.as_bytes()].concat()
}

/// What every client is told of an export.
pub(super) fn export_info(served: &Served, structured: bool) -> Vec<u8> {
    let size = served.disk.size_bytes().to_be_bytes();
    [&info::EXPORT.to_be_bytes()[..], &size, &served.features(structured).to_be_bytes()].concat()
}

/// In what sizes it is read and written.
pub(super) fn block_size_info() -> Vec<u8> {
    let sizes = [SECTOR_BYTES, PREFERRED_BYTES, PAYLOAD_BYTES_MAX].map(u32::to_be_bytes);
    [&info::BLOCK_SIZE.to_be_bytes()[..], sizes.as_flattened()].concat()
}

/// A text about it.
pub(super) fn text_info(kind: u16, text: &str) -> Vec<u8> {
    [&kind.to_be_bytes()[..], text.as_bytes()].concat()
}

/// A context and its number.
pub(super) fn context(id: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], ALLOCATION_CONTEXT.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn what_an_option_carries_is_read_to_its_end() {
        let asked = [text("disk"), vec![0, 2, 0, 1, 0, 3]].concat();
        assert_eq!(InfoAsked::decode(&asked), Some(InfoAsked { name: "disk", kinds: vec![1, 3] }));
        let asked = [text("disk"), vec![0, 0, 0, 1], text("base:")].concat();
        assert_eq!(
            ContextsAsked::decode(&asked),
            Some(ContextsAsked { name: "disk", queries: vec!["base:"] })
        );
    }

    #[test]
    fn what_is_cut_off_or_goes_on_or_overlaps_is_not_read() {
        let whole = [text("disk"), vec![0, 2, 0, 1, 0, 3]].concat();
        for cut in 0..whole.len() {
            assert_eq!(InfoAsked::decode(&whole[..cut]), None, "cut at {cut}");
        }
        assert_eq!(InfoAsked::decode(&[whole, vec![0]].concat()), None, "one byte too many");
        let inside_out = [vec![0, 0, 0, 200], b"disk".to_vec(), vec![0, 0]].concat();
        assert_eq!(InfoAsked::decode(&inside_out), None, "a name longer than the option");
        let many = [text("disk"), vec![0xff; 4]].concat();
        assert_eq!(ContextsAsked::decode(&many), None, "four billion queries that are not there");
    }

    #[test]
    fn a_namespace_lists_what_is_in_it_and_sets_nothing() {
        let asked = |queries: &[&'static str]| ContextsAsked { name: "", queries: queries.to_vec() };
        assert!(asked(&[]).lists_allocation() && !asked(&[]).sets_allocation());
        assert!(asked(&["base:"]).lists_allocation() && !asked(&["base:"]).sets_allocation());
        let other = asked(&["other:things"]);
        assert!(!other.lists_allocation() && !other.sets_allocation());
        assert!(asked(&["other:things", "base:allocation"]).sets_allocation());
    }
}
