//! The share of the time in which something is not exceeded.

/// The value that is not exceeded in so many percent of the looks, the best part of them; `None` if there is none.
///
/// 100 is the largest of all. Percents above 100 count as 100.
#[must_use]
pub(crate) fn within<T: Copy + Ord>(looks: &[T], percent: usize) -> Option<T> {
    let mut sorted = looks.to_vec();
    sorted.sort_unstable();
    let share = (sorted.len() * percent.min(100)).div_ceil(100);
    sorted.get(share.checked_sub(1)?).copied()
}
