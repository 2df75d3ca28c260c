//! Minimum, median and maximum of a few rounds, and ratios of them round by round.

use std::fmt;

/// The figures of one quantity, one a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Each round against the same round of the other: what slowed the machine down slowed both.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a - b).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The figure below which this share of them lies.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1) as f64;
        sorted.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, median, max] = [0.0, 0.5, 1.0].map(|share| self.quantile(share));
        let places = if median < 0.1 {
            4
        } else if median < 10.0 {
            2
        } else {
            1
        };
        write!(f, "{min:.places$} / {median:.places$} / {max:.places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_the_same_round() {
        let (a, b) = (Rounds::from_iter([1.0, 20.0, 3.0]), Rounds::from_iter([2.0, 10.0, 1.0]));
        assert_eq!(a.over(&b).to_string(), "0.50 / 2.00 / 3.00");
        assert_eq!(Rounds::from_iter([12.0, 10.0]).to_string(), "10.0 / 12.0 / 12.0");
    }
}
