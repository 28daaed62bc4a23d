//! "Did you mean": the nearest of the words that would have been right.

/// The candidate nearest to `wrong` by edit distance, if it is near enough to be what was meant: at most a
/// third of the letters (and at least one) may differ, or one word starts with the other.
pub(crate) fn nearest<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let right = candidate.to_lowercase();
            // `cutlink` is `cut`, and `repro` is `reprotect`, however many letters that takes.
            let prefix =
                wrong.len().min(right.len()) >= 3 && (wrong.starts_with(&right) || right.starts_with(&wrong));
            (if prefix { 1 } else { distance(&wrong, &right) }, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements between two words, with regard to case. Words above 64 characters are as far apart as
/// they are long: nobody mistypes those, and the table stays small.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let left_len = left.chars().count();
    if left_len > 64 || right.len() > 64 {
        return if left.chars().eq(right.iter().copied()) { 0 } else { left_len.max(right.len()) };
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// A help line: the nearest word if there is one, then all of them (at most 16).
pub(crate) fn help<'c>(wrong: &str, intro: &str, candidates: &[&'c str]) -> String {
    let mut list = candidates.iter().take(16).copied().collect::<Vec<&'c str>>().join(", ");
    if candidates.len() > 16 {
        list.push_str(&format!(" and {} more", candidates.len() - 16));
    }
    if list.is_empty() {
        list.push_str("none");
    }
    match nearest(wrong, candidates.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {intro}: {list}"),
        None => format!("{intro}: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("web-1", ["db-01", "web-01"]), Some("web-01"));
        assert_eq!(nearest("fialover", ["failover", "failback"]), Some("failover"));
        assert_eq!(nearest("cutlink", ["commit", "cut"]), Some("cut"));
        assert_eq!(nearest("mail", ["web-01", "db-01"]), None);
        assert_eq!(nearest("", ["a", "bc"]), Some("a"));
    }
}
