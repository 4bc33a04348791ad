//! Times as messages write them, by the grammar alone: no other separators, no missing parts.
//! Source: RFC 3339, §5.6 and appendix D.

use time::{Date, Month, Time};

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

/// Unix time of `text` in nanoseconds; digits after the ninth of a fraction do not count. `None` if
/// it is no `date-time`, or no such time was or will be.
pub(crate) fn instant(text: &str) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, rest) = rest.strip_prefix(['T', 't'])?.split_at_checked(8)?;
    let [year, month, day] = parts(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = parts(clock, ':', [2, 2, 2])?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let is_leap = second == 60;
    let [hour, minute] = [hour, minute].map(|part| u8::try_from(part).ok());
    let second = u8::try_from(if is_leap { 59 } else { second }).ok()?;
    let time = Time::from_hms(hour?, minute?, second).ok()?;
    let (fraction_ns, rest) = fraction(rest)?;
    let local_s = date.with_time(time).assume_utc().unix_timestamp();
    let utc_s = local_s.checked_sub(offset_s(rest)?)?;
    if is_leap && !ends_a_month(utc_s) {
        return None;
    }
    Some((i128::from(utc_s) + i128::from(is_leap)) * SECOND + fraction_ns)
}

/// Digits alone, of these widths.
fn parts<const N: usize>(text: &str, mark: char, widths: [usize; N]) -> Option<[u16; N]> {
    let mut found = text.split(mark);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = found.next().filter(|digits| digits.len() == width)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        *number = digits.parse().ok().filter(|_| is_number)?;
    }
    found.next().is_none().then_some(numbers)
}

/// Nanoseconds of the fraction at the beginning of `text`, if there is one, and the rest.
fn fraction(text: &str) -> Option<(i128, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(len).filter(|_| len > 0)?;
    let nanos: i128 = format!("{digits:0<9}").get(..9)?.parse().ok()?;
    Some((nanos, rest))
}

fn offset_s(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, text) = match text.strip_prefix('+') {
        Some(text) => (1, text),
        None => (-1, text.strip_prefix('-')?),
    };
    let [hours, minutes] = parts(text, ':', [2, 2])?;
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)) * 60)
}

/// Whether the second after `utc_s` begins a month: only there are seconds let in.
fn ends_a_month(utc_s: i64) -> bool {
    let next = utc_s.checked_add(1).map(time::OffsetDateTime::from_unix_timestamp);
    next.and_then(Result::ok).is_some_and(|next| next.day() == 1 && next.time() == Time::MIDNIGHT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    use super::*;

    #[test]
    fn only_the_grammar_counts() {
        let check = |text: &str, seconds: Option<i128>| {
            assert_eq!(instant(text), seconds.map(|seconds| seconds * SECOND), "{text:?}");
        };
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01t00:00:00z", Some(0));
        check("1970-01-01T01:30:00+01:30", Some(0));
        check("1969-12-31T23:59:00-00:01", Some(0));
        check("1970-01-01T00:00:00-00:00", Some(0));
        check("1985-04-12T23:20:50.000Z", Some(482_196_050));
        check("1990-12-31T23:59:60Z", Some(662_688_000));
        check("1990-12-31T15:59:60-08:00", Some(662_688_000));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800));
        check("0000-01-01T00:00:00Z", Some(-62_167_219_200));
        check("9999-12-31T23:59:59-23:59", Some(253_402_387_139));
        for text in [
            "",
            "1970-01-01",
            "1970-01-01 00:00:00Z",
            "1970-01-01x00:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00,5Z",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+01:60",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00Z ",
            " 1970-01-01T00:00:00Z",
            "1970-1-1T00:00:00Z",
            "+970-01-01T00:00:00Z",
            "19700-01-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00:60Z",
            "1990-12-31T23:59:60+01:00",
            "1970-01-01T00:00:0éZ",
        ] {
            check(text, None);
        }
        assert_eq!(instant("1970-01-01T00:00:00.1234567899Z"), Some(123_456_789));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            seconds in -62_167_219_200_i64..253_402_300_800,
            nanos in 0_u32..1_000_000_000,
        ) {
            let time = OffsetDateTime::from_unix_timestamp(seconds).expect("in range");
            let time = time.replace_nanosecond(nanos).expect("in range");
            let text = time.format(&Rfc3339).expect("four digits");
            prop_assert_eq!(instant(&text), Some(time.unix_timestamp_nanos()));
        }

        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9TtZz:.+-]{0,35}|\\PC*") {
            if instant(&text).is_some() {
                prop_assert!(text.len() >= 20 && text.is_ascii());
            }
        }
    }
}
