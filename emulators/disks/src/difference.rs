//! What has to be written to make one content of a disk another.

use switchback_engine::extent::Run;
use switchback_engine::{Change, Content, SectorRange};

/// The writes that make `before` hold what `now` holds. Both are sorted, disjoint and without zeroes.
pub(crate) fn differences<C: Content>(before: &[Change<C>], now: &[Change<C>]) -> Vec<Change<C>> {
    let mut changes = Vec::new();
    let (mut old, mut new) = (before.iter().peekable(), now.iter().peekable());
    let mut at = 0;
    loop {
        while old.next_if(|run| run.end() <= at).is_some() {}
        while new.next_if(|run| run.end() <= at).is_some() {}
        let (left, right) = (old.peek().copied(), new.peek().copied());
        let begins = |run: Option<&Change<C>>| run.map(|run| run.start.max(at));
        let Some(start) = begins(left).into_iter().chain(begins(right)).min() else { return changes };
        at = piece(left, right, start, &mut changes);
    }
}

/// Compares from `start` up to the next border of either; gives that border.
fn piece<C: Content>(
    old: Option<&Change<C>>,
    new: Option<&Change<C>>,
    start: u64,
    changes: &mut Vec<Change<C>>,
) -> u64 {
    let border =
        |run: Option<&Change<C>>| run.map(|run| if run.start > start { run.start } else { run.end() });
    let end = border(old).into_iter().chain(border(new)).min().unwrap_or(start + 1);
    let part = |run: Option<&Change<C>>| {
        let run = run.filter(|run| run.start <= start)?;
        Some(run.part((start - run.start) as u32, (end - start) as u32))
    };
    match (part(old), part(new)) {
        (Some(old), Some(new)) if old.content == new.content => {}
        (_, Some(new)) => changes.push(new),
        (Some(_), None) => changes.extend(Change::zeroes(SectorRange { start, end })),
        (None, None) => {}
    }
    end
}
