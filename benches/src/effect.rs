//! How far two samples are apart, whatever their unit.

/// Cohen's d: the difference of the means in pooled standard deviations. Below 0.2 is called small.
pub(crate) fn cohens_d(a: &[f64], b: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let squares = |of: &[f64], mean: f64| of.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let pooled = (squares(a, mean_a) + squares(b, mean_b)) / (a.len() + b.len()).saturating_sub(2) as f64;
    (mean_a - mean_b) / pooled.sqrt()
}

/// Cliff's delta: how much likelier one of `a` is above one of `b` than below. Knows no distribution, and no outlier moves it
/// far. Below 0.147 is called negligible (Romano et al. 2006).
pub(crate) fn cliffs_delta(a: &[f64], b: &[f64]) -> f64 {
    let sign = |x: f64, y: f64| {
        if x > y {
            1.0
        } else if x < y {
            -1.0
        } else {
            0.0
        }
    };
    let sum: f64 = a.iter().flat_map(|x| b.iter().map(move |y| sign(*x, *y))).sum();
    sum / (a.len() * b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_not_apart_and_what_is_apart_is() {
        let (a, b) = ([1.0, 2.0, 3.0], [11.0, 12.0, 13.0]);
        assert_eq!((cohens_d(&a, &a), cliffs_delta(&a, &a)), (0.0, 0.0));
        assert_eq!((cohens_d(&b, &a), cliffs_delta(&b, &a)), (10.0, 1.0));
        assert_eq!(cliffs_delta(&a, &b), -1.0);
    }
}
