//! Samples and what they say: medians, and ratios of medians, with 95 % bootstrap intervals.

use std::time::Instant;

use anyhow::{Context as _, Result};

/// How often a sample is drawn again from itself.
const RESAMPLES: usize = 1_000;

/// Values measured one after the other, in one unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

/// A middle value, and where it would lie in 95 % of such runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: usize,
}

impl Sample {
    /// The sample of one value.
    pub(crate) fn one(value: f64) -> Self {
        Self(vec![value])
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Does `work` and adds how many microseconds it took. What failed is not added.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let value = work()?;
        self.since(began);
        Ok(value)
    }

    /// Adds the microseconds since `began`.
    pub(crate) fn since(&mut self, began: Instant) {
        self.push(began.elapsed().as_secs_f64() * 1e6);
    }

    /// The median with its interval.
    pub(crate) fn estimate(&self) -> Result<Estimate> {
        let median = median(&mut self.0.clone()).context("nothing was measured")?;
        let mut random = Random(1);
        let medians = (0..RESAMPLES).filter_map(|_| median_of(&mut random, &self.0)).collect();
        Ok(interval(median, medians, self.0.len()))
    }

    /// How many times the median of `rival` this median is.
    pub(crate) fn ratio(&self, rival: &Self) -> Result<Estimate> {
        let ours = median(&mut self.0.clone()).context("nothing was measured")?;
        let theirs = median(&mut rival.0.clone()).context("no rival was measured")?;
        let mut random = Random(2);
        let ratios = (0..RESAMPLES).filter_map(|_| {
            let ours = median_of(&mut random, &self.0)?;
            Some(ours / median_of(&mut random, &rival.0)?)
        });
        let ratios = ratios.collect();
        Ok(interval(ours / theirs, ratios, self.0.len().min(rival.0.len())))
    }
}

fn interval(median: f64, mut resampled: Vec<f64>, count: usize) -> Estimate {
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| resampled.get(RESAMPLES * percent / 1_000).copied();
    Estimate { median, low: at(25).unwrap_or(median), high: at(975).unwrap_or(median), count }
}

fn median_of(random: &mut Random, values: &[f64]) -> Option<f64> {
    let drawn = values.iter().filter_map(|_| values.get(random.below(values.len())).copied());
    median(&mut drawn.collect::<Vec<_>>())
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !is_even {
        return Some(*at);
    }
    let before = below.iter().copied().max_by(f64::total_cmp)?;
    Some(before.midpoint(*at))
}

/// SplitMix64: the same draws in every run. Source: Steele et al., "Fast splittable pseudorandom
/// number generators", 2014, §4.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // Samples are far smaller than 2^64, so the bias does not show.
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, median};

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [7.0]), Some(7.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn the_interval_holds_the_median_and_outliers_do_not_move_it() {
        let mut sample = Sample::default();
        (0..200_u32).for_each(|at| sample.push(f64::from(at % 10)));
        sample.push(1e9);
        let found = sample.estimate().expect("there are values");
        assert!(found.low <= found.median && found.median <= found.high, "{found:?}");
        assert!(found.high < 10.0, "{found:?}");
        assert_eq!(found.count, 201);
    }

    #[test]
    fn the_ratio_is_of_the_medians() {
        let (mut ours, mut theirs) = (Sample::default(), Sample::default());
        for at in 0..50_u32 {
            ours.push(10.0 + f64::from(at % 3));
            theirs.push(20.0 + 2.0 * f64::from(at % 3));
        }
        let ratio = ours.ratio(&theirs).expect("there are values");
        assert!((ratio.median - 0.5).abs() < 1e-9, "{ratio:?}");
        assert!(ratio.low <= 0.5 && ratio.high >= 0.5, "{ratio:?}");
        assert!(Sample::default().ratio(&theirs).is_err());
    }
}
