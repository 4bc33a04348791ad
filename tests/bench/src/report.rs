//! What was found, as a table for people and as JSON for programs.

use std::{
    fmt,
    io::{self, Write as _},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::sample::{Estimate, Sample};

/// What values are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Microseconds.
    Micros,
    /// Millions of bytes.
    Megabytes,
    /// 1,024 bytes.
    Kibibytes,
}

/// What the subject is held against.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// Nothing: the value speaks for itself.
    Nothing,
    /// Something else, measured in turns with the subject.
    Rival(&'static str, Sample),
    /// What it must not exceed, in the subject's unit.
    Limit(f64),
}

/// One measurement with its samples.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// How, in a sentence: what the number includes and what not.
    pub(crate) how: String,
    pub(crate) unit: Unit,
    pub(crate) subject: Sample,
    pub(crate) beside: Beside,
    /// The largest ratio that is good enough; none if it is only reported.
    pub(crate) ratio_max: Option<f64>,
}

/// A [`Row`] with what its samples say.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    row: Row,
    subject: Estimate,
    rival: Option<Estimate>,
    ratio: Option<Estimate>,
}

impl Row {
    /// Works the samples out.
    pub(crate) fn find(self) -> Result<Finding> {
        let subject = self.subject.estimate().with_context(|| self.what.clone())?;
        let rival = match &self.beside {
            Beside::Nothing => None,
            Beside::Rival(_, sample) => Some(sample.clone()),
            Beside::Limit(limit) => Some(Sample::one(*limit)),
        };
        let ratio = rival.as_ref().map(|rival| self.subject.ratio(rival)).transpose()?;
        let rival = rival.as_ref().map(Sample::estimate).transpose()?;
        Ok(Finding { row: self, subject, rival, ratio })
    }
}

impl Finding {
    fn verdict(&self) -> &'static str {
        match (&self.ratio, self.row.ratio_max) {
            (Some(ratio), Some(max)) if ratio.median <= max => "met",
            (Some(_), Some(_)) => "MISSED",
            _ => "report",
        }
    }

    fn target(&self) -> String {
        match (&self.row.beside, self.row.ratio_max) {
            (Beside::Limit(limit), Some(_)) => format!("≤ {}", self.row.unit.shown(*limit)),
            (_, Some(max)) => format!("≤ {max}×"),
            (_, None) => "–".to_owned(),
        }
    }

    fn rival_name(&self) -> &'static str {
        match &self.row.beside {
            Beside::Nothing => "",
            Beside::Rival(name, _) => name,
            Beside::Limit(_) => "limit",
        }
    }

    fn json(&self) -> Value {
        json!({
            "what": self.row.what,
            "how": self.row.how,
            "unit": self.row.unit.to_string(),
            "subject": estimate_json(&self.subject),
            "rival_name": self.rival_name(),
            "rival": self.rival.as_ref().map(estimate_json),
            "ratio": self.ratio.as_ref().map(estimate_json),
            "ratio_max": self.row.ratio_max,
            "verdict": self.verdict(),
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Micros => "µs",
            Self::Megabytes => "MB",
            Self::Kibibytes => "KiB",
        })
    }
}

impl Unit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Micros if value >= 100_000.0 => format!("{:.0} ms", value / 1e3),
            Self::Micros if value >= 1_000.0 => format!("{:.2} ms", value / 1e3),
            unit => format!("{value:.1} {unit}"),
        }
    }

    fn estimate(self, found: &Estimate) -> String {
        if found.count == 1 {
            return self.shown(found.median);
        }
        let (low, high) = (self.shown(found.low), self.shown(found.high));
        format!("{} [{low} … {high}] n={}", self.shown(found.median), found.count)
    }
}

/// Writes all findings as one JSON value.
pub(crate) fn json(findings: &[Finding], is_quick: bool) -> Value {
    let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
    json!({ "quick": is_quick, "interval": "95 % bootstrap of the median", "findings": findings })
}

/// Prints the table: a line for each finding, and beneath it how it was measured.
pub(crate) fn print(findings: &[Finding]) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nmedians [95 % bootstrap]; ratio = ours / rival or limit\n")?;
    for finding in findings {
        let Finding { row, subject, ratio, .. } = finding;
        let ratio = ratio.as_ref().map_or_else(String::new, |ratio| {
            format!("{:.3}× [{:.3} … {:.3}]", ratio.median, ratio.low, ratio.high)
        });
        let (verdict, target) = (finding.verdict(), finding.target());
        writeln!(out, "{verdict:<7} {:<66} {ratio:<25} {target}", row.what)?;
        writeln!(out, "        ours   {}", row.unit.estimate(subject))?;
        if let Some(rival) = &finding.rival
            && matches!(row.beside, Beside::Rival(..))
        {
            let rival = row.unit.estimate(rival);
            writeln!(out, "        rival  {rival}: {}", finding.rival_name())?;
        }
        writeln!(out, "        how    {}\n", row.how)?;
    }
    out.flush().context("the table could not be printed")
}

fn estimate_json(found: &Estimate) -> Value {
    json!({
        "median": found.median, "low": found.low, "high": found.high, "samples": found.count,
    })
}

#[cfg(test)]
mod tests {
    use super::{Beside, Row, Sample, Unit};

    fn row(value: f64, beside: Beside, ratio_max: Option<f64>) -> Row {
        let (what, how) = ("something".to_owned(), String::new());
        Row { what, how, unit: Unit::Megabytes, subject: Sample::one(value), beside, ratio_max }
    }

    #[test]
    fn a_target_is_met_missed_or_absent() {
        let verdict = |row: Row| row.find().expect("there is a sample").verdict();
        assert_eq!(verdict(row(9.0, Beside::Limit(10.0), Some(1.0))), "met");
        assert_eq!(verdict(row(11.0, Beside::Limit(10.0), Some(1.0))), "MISSED");
        assert_eq!(verdict(row(1.0, Beside::Rival("rival", Sample::one(4.0)), Some(0.5))), "met");
        assert_eq!(verdict(row(1.0, Beside::Rival("rival", Sample::one(1.0)), None)), "report");
        assert_eq!(verdict(row(1.0, Beside::Nothing, None)), "report");
    }
}
