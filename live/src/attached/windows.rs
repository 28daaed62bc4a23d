//! A disk at a recovery point, window by window: what a point holds is merged where it is read, and not before.
//!
//! A point lies over hundreds of layers. Merging all of them before the first read would look at every entry of the index, tens of
//! millions of them; searching all of them at every read would cost each read hundreds of searches. So a window of the disk is
//! merged when something in it is read for the first time.

use std::sync::OnceLock;

use switchback_engine::extent::Piece;
use switchback_engine::journal::View;
use switchback_engine::{Change, SectorRange};

use crate::content::Data;

/// How large a window is, in sectors: 128 MiB. Smaller ones are merged sooner; but each names the frames that it is over, and
/// those are the same ones again and again.
const WINDOW_SECTORS: u64 = 256 << 10;

/// A disk at a recovery point.
pub(super) struct Windows {
    view: View<Data>,
    windows: Box<[OnceLock<View<Data>>]>,
}

impl Windows {
    /// Of a disk of so many sectors. Nothing is merged yet.
    pub(super) fn of(view: View<Data>, sectors: u64) -> Self {
        Self { view, windows: (0..sectors.div_ceil(WINDOW_SECTORS)).map(|_| OnceLock::new()).collect() }
    }

    /// What the journal holds in a range of the disk, and where the disk below must be read.
    pub(super) fn read(&self, range: SectorRange) -> Vec<Piece<Change<Data>>> {
        let mut pieces = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let number = at / WINDOW_SECTORS;
            let window = SectorRange::new(number * WINDOW_SECTORS, WINDOW_SECTORS);
            let part = SectorRange { start: at, end: range.end.min(window.end) };
            match self.windows.get(number as usize) {
                Some(merged) => pieces.extend(merged.get_or_init(|| self.view.window(window)).read(part)),
                // Beyond the disk there is no window, and nothing is merged for it.
                None => pieces.extend(self.view.read(part)),
            }
            at = part.end;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use switchback_engine::batch::{Frame, StreamKey};
    use switchback_engine::journal::GroupJournal;
    use switchback_engine::message::JournalSpec;
    use switchback_engine::point::WriteOrder;
    use switchback_engine::policy::ReplicationPolicy;
    use switchback_engine::{Content, DiskId, GroupId, MachineId};

    use super::*;

    /// A disk of four windows with writes across the ends of all of them, in many frames.
    fn view() -> View<Data> {
        let disk = DiskId { machine: MachineId(0), index: 0 };
        let spec = JournalSpec {
            group: GroupId(0),
            generation: 1,
            machines: vec![(MachineId(0), vec![4 * WINDOW_SECTORS])],
            policy: ReplicationPolicy::DEFAULT,
        };
        let mut journal = GroupJournal::new(&spec);
        for number in 1..=20u32 {
            let write = |window: u64| Change {
                start: window * WINDOW_SECTORS - u64::from(number),
                sectors: 2 * number,
                content: Data::Bytes(vec![number as u8; number as usize * 1024].into()),
            };
            let frame = Frame {
                stream: StreamKey { disk, generation: 1, session: 1 },
                number: u64::from(number),
                order: WriteOrder::Data,
                round_end: None,
                packed: Data::pack((1..4).map(write).collect()),
            };
            journal.append(&frame, &Data::unpack(&frame.packed).unwrap());
        }
        journal.head(disk).unwrap()
    }

    #[test]
    fn nothing_is_merged_before_it_is_read_and_then_only_where() {
        let windows = Windows::of(view(), 4 * WINDOW_SECTORS);
        let merged = |windows: &Windows| -> Vec<bool> {
            windows.windows.iter().map(|window| window.get().is_some()).collect()
        };
        assert_eq!(merged(&windows), [false; 4]);
        windows.read(SectorRange::new(WINDOW_SECTORS + 5, 10));
        assert_eq!(merged(&windows), [false, true, false, false]);
        windows.read(SectorRange::new(2 * WINDOW_SECTORS - 1, 2));
        assert_eq!(merged(&windows), [false, true, true, false]);
    }

    #[test]
    fn what_lies_across_the_end_of_a_window_is_read_as_without_windows() {
        let view = view();
        let windows = Windows::of(view.clone(), 4 * WINDOW_SECTORS);
        let holds = |pieces: Vec<Piece<Change<Data>>>| -> Vec<u8> {
            pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Run(change) => change.content.load(change.sectors).unwrap().unwrap().to_vec(),
                    Piece::Hole(hole) => vec![0; hole.sectors() as usize * 512],
                })
                .collect()
        };
        for range in [SectorRange::new(WINDOW_SECTORS - 30, 60), SectorRange::new(3 * WINDOW_SECTORS - 7, 9)]
        {
            assert_eq!(holds(windows.read(range)), holds(view.read(range)), "{range:?}");
        }
        let beyond = SectorRange::new(4 * WINDOW_SECTORS, 8);
        assert_eq!(windows.read(beyond), view.read(beyond));
    }
}
