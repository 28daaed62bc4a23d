//! How long somebody waits who was told to come back, or was told nothing.

use core::time::Duration;

use crate::transport::Headers;

/// The longest that a server is believed when it says how long to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// How often, and after how long, something is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The first pause; each that follows is twice as long.
    pub first: Duration,
    /// The longest pause that nobody has asked for.
    pub longest: Duration,
    /// How often something is asked altogether.
    pub attempts: u32,
    /// Between two looks at an operation of which the server does not say when to look.
    pub poll_every: Duration,
}

impl Default for Patience {
    /// A second, up to a minute, twelve times; a look every half minute, as the published clients do.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            attempts: 12,
            poll_every: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// The pause after an attempt, counted from 0. What the server has asked for counts where it is longer.
    #[must_use]
    pub fn pause(&self, attempt: u32, asked_for: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempt.min(20)).min(self.longest);
        asked_for.map_or(doubled, |asked_for| asked_for.max(doubled))
    }
}

/// How long a server wants to be left alone: seconds, or a date against its own clock or else ours; none where it does not
/// say, or says nothing that can be understood.
#[must_use]
pub fn retry_after(headers: &Headers, now: Duration) -> Option<Duration> {
    let millis = headers.retry_after_ms.as_deref().and_then(|text| text.trim().parse().ok());
    let wanted = match millis {
        Some(millis) => Duration::from_millis(millis),
        None => {
            let text = headers.retry_after.as_deref()?.trim();
            match text.parse() {
                Ok(seconds) => Duration::from_secs(seconds),
                Err(_) => {
                    let since = headers.date.as_deref().and_then(date).unwrap_or(now);
                    date(text)?.saturating_sub(since)
                }
            }
        }
    };
    Some(wanted.min(RETRY_AFTER_MAX))
}

/// A date of HTTP, since 1970.
fn date(text: &str) -> Option<Duration> {
    let at = httpdate::parse_http_date(text).ok()?;
    at.duration_since(std::time::UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &str, date: Option<&str>) -> Headers {
        Headers {
            retry_after: Some(retry_after.to_owned()),
            date: date.map(str::to_owned),
            ..Headers::default()
        }
    }

    #[test]
    fn a_server_says_in_seconds_or_by_a_date_when_to_come_back() {
        let seconds = |of: &Headers| retry_after(of, Duration::ZERO).map(|span| span.as_secs());
        assert_eq!(seconds(&headers("30", None)), Some(30));
        assert_eq!(seconds(&headers(" 0 ", None)), Some(0));
        let (at, later) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:29:10 GMT");
        assert_eq!(seconds(&headers(later, Some(at))), Some(70), "against the clock of the server");
        assert_eq!(retry_after(&headers(later, None), date(at).unwrap()), Some(Duration::from_secs(70)));
        assert_eq!(seconds(&headers(at, Some(later))), Some(0), "it is over");
        let millis = Headers { retry_after_ms: Some("250".to_owned()), ..headers("30", None) };
        assert_eq!(retry_after(&millis, Duration::ZERO), Some(Duration::from_millis(250)));
    }

    #[test]
    fn what_cannot_be_understood_is_not_waited_for_and_nobody_waits_forever() {
        let of = |text| retry_after(&headers(text, None), Duration::ZERO);
        for nonsense in ["soon", "-1", "", "Wed, 99 Oct 2015 07:28:00 GMT"] {
            assert_eq!(of(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(of("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(retry_after(&Headers::default(), Duration::ZERO), None);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_the_server_may_want_more() {
        let patience = Patience::default();
        let pauses: Vec<u64> = (0..8).map(|attempt| patience.pause(attempt, None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(patience.pause(u32::MAX, None).as_secs(), 60);
        assert_eq!(patience.pause(0, Some(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(patience.pause(3, Some(Duration::ZERO)).as_secs(), 8, "0 does not mean at once");
    }
}
