//! Prints labels for parcels.

use acme_units::Weight;

include!(concat!(env!("OUT_DIR"), "/label.rs"));

/// Write the label of some parcels that weigh so many grams each.
pub fn label(parcels: usize, grams: usize) -> String {
    let weight = Weight(grams);
    format!(
        "{LABEL}: {} of {} ({}, {})",
        text::count(parcels, "parcel"),
        weight.metric(),
        weight.imperial(),
        weight.words()
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_label_names_the_sender() {
        for grams in acme_testkit::WEIGHTS {
            assert!(super::label(1, grams).starts_with("Acme Parcels: 1 parcel of"));
        }
    }
}
