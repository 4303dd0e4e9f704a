//! Weights, and how to write them.

/// A weight in grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(pub usize);

impl Weight {
    /// Write it in kilograms.
    #[cfg(feature = "metric")]
    pub fn metric(self) -> String {
        format!("{}.{:03} kg", self.0 / 1000, self.0 % 1000)
    }

    /// Write it in whole pounds.
    #[cfg(feature = "imperial")]
    pub fn imperial(self) -> String {
        format!("{} lb", self.0 * 10 / 4536)
    }

    /// Say it in words.
    #[cfg(feature = "words")]
    pub fn words(self) -> String {
        acme_text::count(self.0, "gram")
    }
}
