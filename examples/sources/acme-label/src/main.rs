fn main() {
    println!("{}", acme_label::label(2, 1200));
}
