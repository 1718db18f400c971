//! One suite for every adapter: the exact meaning of the port.
//!
//! `cases`, `reading` and `in_order` run against both logs; `embedded` and `jetstream` add what only one of
//! them can suffer.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and clippy sees only functions marked as tests"
)]

mod cases;
mod cluster;
mod embedded;
mod foreign;
mod harness;
mod in_order;
mod jetstream;
mod leases;
mod model;
mod reading;
mod replaced;
mod replicated;
mod room;
mod samples;

/// A test of each case for each adapter.
macro_rules! suite {
    ($($module:ident: $($case:ident),+ $(,)?);+ $(;)?) => {
        mod on_embedded {
            use crate::harness::{Embedded, Harness as _};
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    crate::$module::$case(&Embedded::start().await).await;
                }
            )+)+
        }

        mod on_jetstream {
            use crate::harness::{Harness as _, JetStream};
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    crate::$module::$case(&JetStream::start().await).await;
                }
            )+)+
        }
    };
}

suite! {
    cases:
        every_field_comes_back,
        positions_grow_in_order,
        a_new_log_is_empty,
        a_stale_expectation_stores_nothing,
        two_creators_race_and_one_wins,
        a_repeated_append_is_recognised,
        an_append_is_recognised_after_later_ones,
        part_of_an_append_is_not_the_append,
        an_id_that_is_used_elsewhere_is_refused,
        limits_are_checked_before_anything_is_stored,
        an_append_that_makes_no_sense_is_refused,
        many_writers_lose_nothing,
        a_log_is_complete_after_reopening;
    reading:
        a_reader_starts_after_a_position,
        a_filter_selects_its_streams_only,
        caught_up_comes_once_after_the_last_event,
        an_append_is_seen_whole,
        history_goes_over_to_live_without_gap_or_repeat,
        a_filtered_reader_stays_live,
        a_filter_of_another_log_is_refused,
        a_reader_beyond_the_end_is_refused,
        a_projection_never_passes_an_event_it_has_not_seen;
    in_order:
        appends_at_once_are_each_on_their_own_terms,
        any_number_of_events_is_stored_in_order,
        a_stale_expectation_stores_no_event_of_many,
        a_writer_in_the_middle_wins,
        a_repetition_goes_on_where_the_first_attempt_ended,
        writers_of_the_same_events_store_them_once,
        writers_of_several_streams_do_not_disturb_each_other,
        an_event_that_cannot_be_stored_ends_it,
        a_waiting_log_settles_what_is_unknown;
}
