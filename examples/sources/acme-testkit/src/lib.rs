//! Sample parcels for tests.

/// Weights in grams, the lightest first.
pub const WEIGHTS: [usize; 3] = [5, 1200, 20000];
