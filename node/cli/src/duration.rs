//! Lengths of time as people write them: `90`, `90s`, `15m`, `1h`, `2d`.

/// Whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Secs(pub(crate) u64);

impl std::str::FromStr for Secs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not a length of time such as 90s, 15m, 1h or 2d");
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let scale = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(bad()),
        };
        let number: u64 = digits.parse().map_err(|_| bad())?;
        number.checked_mul(scale).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_seconds_to_days() {
        for (text, secs) in [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("1h", 3_600)] {
            assert_eq!(text.parse(), Ok(Secs(secs)), "{text}");
        }
        assert_eq!("2d".parse(), Ok(Secs(172_800)));
        for bad in ["", "h", "-1s", "1.5h", "1w", "1 h", "+1", "999999999999999999999", "1hh", "é"]
        {
            assert!(bad.parse::<Secs>().is_err(), "{bad}");
        }
        assert!(format!("{}d", u64::MAX).parse::<Secs>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_length_or_an_error(text in ".{0,12}") {
            let parsed: Result<Secs, String> = text.parse();
            prop_assert!(parsed.is_ok() || parsed.is_err_and(|why| why.contains("length of time")));
        }
    }
}
