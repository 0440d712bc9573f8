//! The delay before an attempt to connect: exponential with full jitter, none before the first attempt.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffOptions {
    /// The upper bound of the delay before the second attempt.
    pub base: Duration,
    pub factor: f64,
    /// The upper bound of every delay.
    pub max: Duration,
}

impl Default for BackoffOptions {
    fn default() -> Self {
        Self { base: Duration::from_secs(1), factor: 2.0, max: Duration::from_secs(60) }
    }
}

impl BackoffOptions {
    /// Return the upper bound of the delay before attempt number `attempt`, counted from 1.
    pub fn bound(&self, attempt: u32) -> Duration {
        if attempt <= 1 {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(attempt - 2).unwrap_or(i32::MAX);
        let bound = self.base.as_secs_f64() * self.factor.powi(exponent);
        // Also covers a negative factor and NaN.
        if (0.0..self.max.as_secs_f64()).contains(&bound) { Duration::from_secs_f64(bound) } else { self.max }
    }

    /// Return the delay before an attempt; `unit` is a random number in [0, 1).
    pub fn delay(&self, attempt: u32, unit: f64) -> Duration {
        self.bound(attempt).mul_f64(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_stay_below_bounds_that_grow_to_the_maximum(
            attempt in 1u32.., unit in 0.0f64..1.0, base in 1u64..5000, factor in 1.0f64..10.0, max in 1u64..100_000,
        ) {
            let options = BackoffOptions {
                base: Duration::from_millis(base), factor, max: Duration::from_millis(max),
            };
            let bound = options.bound(attempt);
            prop_assert!(options.delay(attempt, unit) <= bound);
            prop_assert!(bound <= options.max);
            prop_assert!(attempt == 1 || options.bound(attempt.saturating_add(1)) >= bound);
        }
    }

    #[test]
    fn a_senseless_factor_waits_the_maximum() {
        for factor in [-2.0, f64::NAN, f64::INFINITY] {
            let options = BackoffOptions { factor, ..Default::default() };
            assert_eq!(options.bound(3), options.max, "{factor}");
        }
    }

    #[test]
    fn the_defaults_double_up_to_a_minute() {
        let options = BackoffOptions::default();
        let bounds: Vec<_> = (1..=9).map(|n| options.bound(n).as_secs()).collect();
        assert_eq!(bounds, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
