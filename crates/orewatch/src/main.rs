//! The one binary of Orewatch.
fn main() {}
