//! Errors as one clear line.

use std::error::Error;

/// The error with its causes on one line, each said once.
pub(crate) fn line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    // A chain of causes is as long as the crates are deep.
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_are_said_once_on_one_line() {
        let error = anyhow!("port is\n taken").context("cannot listen").context("no API");
        assert_eq!(line(error.as_ref()), "no API: cannot listen: port is taken");
        let error = anyhow!("x is wrong").context("refused: x is wrong");
        assert_eq!(line(error.as_ref()), "refused: x is wrong");
    }
}
