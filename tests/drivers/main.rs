//! One engine, two drivers: the simulated world and nodes that run for real are held to the same stories.
//!
//! | file | what |
//! |---|---|
//! | `driver` | what a story asks of whoever drives the engine |
//! | `writes` | what a machine has written, and what its disks must therefore hold |
//! | `stories` | the stories, each told once |
//! | `simulated`, `live` | the two drivers |
//! | `relay` | the line between the sites of the second, which can be cut |
//!
//! `tests/conformance.rs` holds something else together: the surface of Site Recovery in process and over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod driver;
mod live;
#[path = "../common/ports.rs"]
mod ports;
mod relay;
mod simulated;
mod stories;
mod writes;

use driver::{Driver, Fault};

/// Tells each story to both drivers.
macro_rules! told_to_both {
    ($($story:ident),+ $(,)?) => {
        mod to_the_simulated_driver {
            $(#[test] fn $story() { super::stories::$story(super::simulated::Simulated::of); })+
        }
        mod to_the_live_driver {
            $(#[test] fn $story() { super::stories::$story(super::live::Live::of); })+
        }
    };
}

told_to_both!(
    the_first_copy_holds_what_was_written_before,
    every_point_holds_the_writes_up_to_one_of_them,
    sectors_are_followed_one_by_one_on_disks_of_odd_size,
    an_agent_that_was_killed_compares_and_goes_on,
    a_process_server_that_was_killed_loses_nothing,
    a_target_that_was_killed_keeps_its_points,
    a_vault_that_was_killed_goes_on,
    while_the_line_is_cut_nothing_is_lost,
    a_failover_after_a_shutdown_loses_nothing,
    a_failover_without_one_loses_only_the_end,
    there_and_home_again,
    what_is_not_allowed_is_refused_in_the_same_words,
);

/// The negative twin: a story that goes well with an honest driver finds out one that is not.
fn finds_out<D: Driver>(of: fn(&[u64]) -> D) {
    let dishonest = |sectors: &[u64]| {
        let mut driver = of(sectors);
        driver.seed(Fault::HidesWrites);
        driver
    };
    let told =
        std::panic::catch_unwind(|| stories::every_point_holds_the_writes_up_to_one_of_them(dishonest));
    let found = told.expect_err("a driver that hides writes from its agent is found out");
    let found = found.downcast_ref::<String>().expect("it is found out in words");
    assert!(found.contains("no state that the disks ever had"), "{found}");
}

#[test]
fn a_simulated_driver_that_hides_writes_is_found_out() {
    finds_out(simulated::Simulated::of);
}

#[test]
fn a_live_driver_that_hides_writes_is_found_out() {
    finds_out(live::Live::of);
}
