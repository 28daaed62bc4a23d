//! What a client is told the time is: a fixed day, and the virtual time since.

use switchback_sim::SimTime;

/// 2026-01-01, in days since 1970-01-01.
const EPOCH_DAYS: u64 = 20_454;

/// `2026-01-01T00:00:00.000000Z` for the start of the simulation.
pub(crate) fn written(at: SimTime) -> String {
    let seconds = at.as_secs();
    let micros = at.as_nanos() % 1_000_000_000 / 1_000;
    let (year, month, day) = date(EPOCH_DAYS + seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Year, month and day of so many days after 1970-01-01, counted in eras of 400 years that begin in March, so that
/// the day that is there in some years only is the last one.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// A moment as clients write it, in microseconds of some calendar: only which is later can be told from it. None for what
/// is no moment.
fn read(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let numbers =
        |text: &str, by: char| text.split(by).map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>();
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let ([year, month, day], [hour, minute, second]) =
        (numbers(day, '-')?.try_into().ok()?, numbers(whole, ':')?.try_into().ok()?);
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let offset = match zone {
        "" | "Z" => 0,
        zone => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':')?.try_into().ok()?;
            (hours * 60 + minutes) * if zone.starts_with('-') { -1 } else { 1 }
        }
    };
    let days: i64 = (i64::checked_mul(year, 12)?.checked_add(month)?).checked_mul(31)?.checked_add(day)?;
    let minutes = days.checked_mul(1_440)?.checked_add(hour * 60 + minute - offset)?;
    minutes.checked_mul(60)?.checked_add(second)?.checked_mul(1_000_000)?.checked_add(micros)
}

/// Whether one moment is not before another. What is no moment is in nobody's way.
pub(crate) fn is_not_before(one: &str, other: &str) -> bool {
    read(one).zip(read(other)).is_none_or(|(one, other)| one >= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_kept() {
        let day = |days: u64| written(SimTime::from_secs(days * 86_400));
        let table = [
            (0, "2026-01-01T"),
            (58, "2026-02-28T"),
            (59, "2026-03-01T"),
            (364, "2026-12-31T"),
            (365, "2027-01-01T"),
            (365 + 365 + 59, "2028-02-29T"),
            (365 + 365 + 60, "2028-03-01T"),
        ];
        for (days, text) in table {
            assert_eq!(day(days), format!("{text}00:00:00.000000Z"));
        }
        assert_eq!(written(SimTime::from_millis(3_661_250)), "2026-01-01T01:01:01.250000Z");
    }

    #[test]
    fn the_later_of_two_moments_is_known() {
        let noon = "2026-01-01T12:00:00Z";
        for later in ["2026-01-01T12:00:00.5Z", "2026-01-01T13:00:00+00:30", "2026-01-02T00:00:00Z", noon] {
            assert!(is_not_before(later, noon), "{later}");
        }
        for earlier in ["2026-01-01T13:00:00+02:00", "2025-12-31T23:59:59.999999Z"] {
            assert!(!is_not_before(earlier, noon), "{earlier}");
        }
        for none in ["", "noon", "2026-01-01", "9999999999999999999-1-1T0:0:0Z"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
