//! Further process servers and master targets, drawn at random.

use proptest::prelude::*;
use switchback_scenarios::model::words::*;
use switchback_scenarios::model::*;

use super::{NOWHERE, any_word, bytes, names};

pub(super) fn drives() -> impl Strategy<Value = Vec<Drive>> {
    let strange = (1usize..4)
        .prop_flat_map(names)
        .prop_flat_map(|names| names.into_iter().map(drive).collect::<Vec<_>>());
    prop_oneof![Just(standard_drives()), strange]
}

fn drive(name: String) -> impl Strategy<Value = Drive> {
    let capacity = prop_oneof![Just(0), bytes(1, 1 << 50, 1)];
    (capacity, any_word(DriveUse::ALL), any_word(FileSystem::ALL), any::<bool>()).prop_map(
        move |(capacity, holds, file_system, locked)| Drive {
            name: name.clone(),
            capacity,
            holds,
            file_system,
            locked,
        },
    )
}

pub(super) fn further(
    stores: usize,
) -> impl Strategy<Value = (Vec<NamedProcessServer>, Vec<NamedMasterTarget>)> {
    let process_servers = (0usize..3).prop_flat_map(names).prop_flat_map(|names| {
        let server = |name: String| {
            let cache = prop_oneof![Just(600 << 30), bytes(1 << 20, 1 << 50, 1)];
            cache.prop_map(move |cache| NamedProcessServer { name: name.clone(), cache, source: NOWHERE })
        };
        names.into_iter().map(server).collect::<Vec<_>>()
    });
    let master_targets = (0usize..3).prop_flat_map(names).prop_flat_map(move |names| {
        let target = |name: String| {
            let ways = (any_word(OsKind::ALL), proptest::bool::ANY);
            (0..stores, ways, drives()).prop_map(move |(store, (os, authenticating_proxy), drives)| {
                let datastore = DatastoreIndex(store);
                let (name, source) = (name.clone(), NOWHERE);
                NamedMasterTarget { name, datastore, os, authenticating_proxy, drives, source }
            })
        };
        names.into_iter().map(target).collect::<Vec<_>>()
    });
    (process_servers, master_targets)
}
