//! Words for numbers of things.

/// Say how many there are: `1 parcel`, `2 parcels`.
pub fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!(super::count(1, "parcel"), "1 parcel");
        assert_eq!(super::count(0, "parcel"), "0 parcels");
    }
}
