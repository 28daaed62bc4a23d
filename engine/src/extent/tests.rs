//! Lists of runs against the simplest model there is: a disk as a list of sectors.

use proptest::prelude::*;

use super::*;
use crate::content::Stamp;

/// Sectors in the model disk: small, so that runs meet.
const SECTORS: u64 = 64;

type Model = Vec<Option<Stamp>>;

/// Runs as writes in order; each is known by its place in the list.
fn writes(longest: u32) -> impl Strategy<Value = Vec<Change<Stamp>>> {
    prop::collection::vec((0..SECTORS, 1..=longest), 0..24).prop_map(|places| {
        let write = |(number, (start, sectors)): (u64, (u64, u32))| {
            let sectors = sectors.min((SECTORS - start) as u32);
            Change { start, sectors, content: Stamp { write: number, skip: 0 } }
        };
        (1..).zip(places).map(write).collect()
    })
}

/// Writes runs onto a model disk in the order given.
fn written(runs: &[Change<Stamp>]) -> Model {
    let mut model = vec![None; SECTORS as usize];
    for run in runs {
        for skip in 0..run.sectors {
            model[(run.start + u64::from(skip)) as usize] = Some(run.content.part(skip, 1));
        }
    }
    model
}

fn flat(mut runs: Vec<Change<Stamp>>) -> Vec<Change<Stamp>> {
    flatten(&mut runs);
    runs
}

/// The model of a list, after checking that it is sorted and does not overlap.
fn checked(runs: &[Change<Stamp>]) -> Model {
    assert!(runs.is_sorted_by(|left, right| left.end() <= right.start()), "not flat: {runs:?}");
    assert!(runs.iter().all(|run| run.sectors > 0), "an empty run: {runs:?}");
    written(runs)
}

proptest! {
    #[test]
    fn flattening_keeps_the_last_write_of_every_sector(runs in writes(20)) {
        prop_assert_eq!(checked(&flat(runs.clone())), written(&runs));
    }

    #[test]
    fn flattening_keeps_a_write_in_one_piece_unless_a_later_one_cuts_it(runs in writes(20)) {
        for pair in flat(runs).windows(2) {
            let joins = pair[0].end() == pair[1].start()
                && pair[0].content.part(pair[0].sectors, 1) == pair[1].content.part(0, 1);
            prop_assert!(!joins, "cut without need: {pair:?}");
        }
    }

    #[test]
    fn flattening_far_out_works_like_close_in(runs in writes(20)) {
        let far = u64::MAX - SECTORS;
        let mut moved: Vec<_> = runs.iter().map(|run| Change { start: run.start + far, ..run.clone() }).collect();
        flatten(&mut moved);
        let back: Vec<_> = moved.iter().map(|run| Change { start: run.start - far, ..run.clone() }).collect();
        prop_assert_eq!(back, flat(runs));
    }

    #[test]
    fn an_overlay_is_the_older_list_written_first(newer in writes(6), older in writes(6)) {
        let (newer, older) = (flat(newer), flat(older));
        let both = [older.clone(), newer.clone()].concat();
        prop_assert_eq!(checked(&overlay(&newer, &older)), written(&both));
    }

    #[test]
    fn layers_given_newest_first_are_written_last_first(layers in prop::collection::vec(writes(8), 0..7)) {
        let layers: Vec<_> = layers.into_iter().map(flat).collect();
        let newest_first: Vec<&[Change<Stamp>]> = layers.iter().rev().map(Vec::as_slice).collect();
        prop_assert_eq!(checked(&overlay_all(&newest_first)), written(&layers.concat()));
    }

    #[test]
    fn pieces_cover_a_range_exactly(runs in writes(6), start in 0..SECTORS, end in 0..=SECTORS) {
        let runs = flat(runs);
        let range = SectorRange { start, end };
        let model = written(&runs);
        let mut at = start;
        for piece in pieces(&runs, range) {
            match piece {
                Piece::Run(run) => {
                    prop_assert_eq!(run.start, at);
                    for skip in 0..run.sectors {
                        let sector = (run.start + u64::from(skip)) as usize;
                        prop_assert_eq!(model[sector], Some(run.content.part(skip, 1)));
                    }
                    at = run.end();
                }
                Piece::Hole(hole) => {
                    prop_assert_eq!(hole.start, at);
                    prop_assert!(!hole.is_empty());
                    prop_assert!(model[hole.start as usize..hole.end as usize].iter().all(Option::is_none));
                    at = hole.end;
                }
            }
        }
        prop_assert_eq!(at, end.max(start));
        let clipped = clip(&runs, range);
        let mut expected = model;
        for (sector, content) in expected.iter_mut().enumerate() {
            if !(start..end).contains(&(sector as u64)) {
                *content = None;
            }
        }
        prop_assert_eq!(checked(&clipped), expected);
    }
}

/// So many runs that they are sorted by their digits, on a disk in which those are of every size.
#[test]
fn many_runs_are_flattened_like_few() {
    let mut state = 1u64;
    let mut number = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for sectors in [SECTORS, 5000, 1 << 30] {
        let runs: Vec<_> = (1..=3000)
            .map(|write| Change { start: number(sectors), sectors: 1, content: Stamp { write, skip: 0 } })
            .collect();
        let last: std::collections::BTreeMap<u64, Stamp> =
            runs.iter().map(|run| (run.start, run.content)).collect();
        let flat: Vec<_> = flat(runs).into_iter().map(|run| (run.start, run.content)).collect();
        assert_eq!(flat, last.into_iter().collect::<Vec<_>>());
    }
}

/// The negative twin: the model tells the first write from the last.
#[test]
fn the_model_notices_writes_in_the_wrong_order() {
    let write = |number, start| Change { start, sectors: 4, content: Stamp { write: number, skip: 0 } };
    let runs = vec![write(1, 0), write(2, 2)];
    let reversed: Vec<_> = runs.iter().rev().cloned().collect();
    assert_ne!(checked(&flat(reversed)), written(&runs));
}
