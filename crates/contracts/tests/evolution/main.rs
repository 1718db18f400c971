//! Stored events are read for ever: the contracts may grow, nothing in them may change its meaning.
//!
//! The compiled contracts are compared with `snapshot/contracts.txt`, which says what has been promised.
//! After an addition renew it with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts`; a break is never
//! written to it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]
mod codes;
mod compare;
mod documented;
mod events;
mod roles;
mod shape;

use std::path::PathBuf;
use std::{env, fs};

use compare::{additions, breaks};
use prost_reflect::DescriptorPool;
use shape::Shape;

fn snapshot_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshot/contracts.txt")
}

fn promised() -> Shape {
    let text = fs::read_to_string(snapshot_path()).expect("snapshot/contracts.txt is in the repository");
    Shape::parse(&text).expect("the snapshot is well formed")
}

fn compiled() -> Shape {
    let pool = DescriptorPool::decode(orewatch_contracts::DESCRIPTORS).expect("the descriptors decode");
    Shape::new(&pool)
}

#[test]
fn nothing_that_was_promised_is_broken() {
    let found = breaks(&promised(), &compiled());
    assert!(
        found.is_empty(),
        "the contracts break stored events or older clients:\n- {}\n",
        found.join("\n- ")
    );
}

#[test]
fn the_snapshot_holds_every_addition() {
    let (promised, compiled) = (promised(), compiled());
    if env::var_os("UPDATE_SNAPSHOT").is_some() && breaks(&promised, &compiled).is_empty() {
        fs::write(snapshot_path(), compiled.to_string()).expect("the snapshot can be written");
        return;
    }
    let found = additions(&promised, &compiled);
    assert!(
        found.is_empty(),
        "these additions are compatible; promise them with \
         `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts` and commit the snapshot:\n- {}\n",
        found.join("\n- ")
    );
}

#[test]
fn the_snapshot_is_read_back_as_it_was_written() {
    let compiled = compiled();
    assert_eq!(Shape::parse(&compiled.to_string()), Ok(compiled));
}
