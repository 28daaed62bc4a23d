//! What a link promises, and the twins that show it can break what it does not promise.

use proptest::prelude::*;

use super::*;
use crate::Seed;

const MIB: u64 = 1 << 20;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at_ms(millis: u64) -> SimTime {
    SimTime::from_millis(millis)
}

fn link(spec: LinkSpec) -> Link<u32> {
    Link::new(spec, Seed(5).chance("link"))
}

/// Ten milliseconds, give or take five, without a limit or a fault.
fn jittery() -> LinkSpec {
    LinkSpec::reliable(ms(5)..=ms(15), None)
}

/// Polls at each deadline until nothing is in flight; gives what arrived and when.
fn arrivals(link: &mut Link<u32>) -> Vec<(SimTime, u32)> {
    let (mut all, mut out) = (Vec::new(), Vec::new());
    while let Some(now) = link.deadline() {
        link.poll(now, &mut out);
        all.extend(out.drain(..).map(|item| (now, item)));
    }
    all
}

fn items(link: &mut Link<u32>) -> Vec<u32> {
    arrivals(link).into_iter().map(|(_, item)| item).collect()
}

#[test]
fn without_a_limit_a_message_takes_the_latency_only() {
    let mut link = link(LinkSpec::reliable(ms(20)..=ms(20), None));
    assert_eq!(link.send(at_ms(100), 0, 1 << 40, 7), SendOutcome::Sent);
    assert_eq!((link.in_flight(), link.bytes_in_flight()), (1, 1 << 40));
    let mut out = Vec::new();
    link.poll(at_ms(119), &mut out);
    assert!(out.is_empty());
    assert_eq!(arrivals(&mut link), [(at_ms(120), 7)]);
    assert_eq!((link.in_flight(), link.bytes_in_flight(), link.deadline()), (0, 0, None));
}

#[test]
fn bandwidth_comes_before_latency() {
    let mut link = link(LinkSpec::reliable(ms(20)..=ms(20), Some(MIB)));
    link.send(SimTime::ZERO, 0, MIB / 2, 1);
    link.send(SimTime::ZERO, 0, MIB / 2, 2);
    assert_eq!(arrivals(&mut link), [(at_ms(520), 1), (at_ms(1_020), 2)]);
}

#[test]
fn what_is_in_flight_can_be_seen_and_arrives_as_shown() {
    let mut link = link(LinkSpec::reliable(ms(10)..=ms(10), Some(1_000)));
    link.send(SimTime::ZERO, 1, 1_000, 7);
    link.send(SimTime::ZERO, 1, 1_000, 8);
    assert_eq!((link.travelling(), link.waiting()), (vec![], vec![&7, &8]));
    link.poll(at_ms(1_000), &mut Vec::new());
    assert_eq!((link.travelling(), link.waiting()), (vec![(at_ms(1_010), &7)], vec![&8]));
    assert_eq!(arrivals(&mut link), [(at_ms(1_010), 7), (at_ms(2_010), 8)]);
}

#[test]
fn a_small_message_is_not_stuck_behind_a_large_one_of_another_flow() {
    let mut link = link(LinkSpec::reliable(ms(0)..=ms(0), Some(MIB)));
    link.send(SimTime::ZERO, 1, 9 * MIB, 1);
    link.send(SimTime::ZERO, 2, MIB, 2);
    assert_eq!(arrivals(&mut link), [(at_ms(2_000), 2), (at_ms(10_000), 1)]);
}

#[test]
fn jitter_keeps_a_flow_in_order() {
    let mut link = link(jittery());
    for item in 0..200 {
        link.send(SimTime::from_micros(u64::from(item)), 3, 100, item);
    }
    assert!(items(&mut link).into_iter().eq(0..200));
    assert_eq!(link.counters().reordered, 0);
}

#[test]
fn reordering_breaks_the_order_and_says_so() {
    let mut link = link(LinkSpec { reorder: Ratio::percent(20), ..jittery() });
    for item in 0..200 {
        link.send(SimTime::from_micros(u64::from(item)), 3, 100, item);
    }
    let mut arrived = items(&mut link);
    let overtaken = link.counters().reordered;
    assert!((10..=60).contains(&overtaken), "{overtaken} overtaken");
    assert!(!arrived.is_sorted());
    arrived.sort_unstable();
    assert!(arrived.into_iter().eq(0..200));
}

#[test]
fn loss_loses_and_duplication_doubles() {
    let mut link = link(LinkSpec { loss: Ratio::percent(10), duplicate: Ratio::percent(10), ..jittery() });
    let sent = (0..1000).filter(|&item| link.send(SimTime::ZERO, 0, 1, item) == SendOutcome::Sent).count();
    let counters = link.counters();
    assert_eq!(counters.lost, 1000 - sent as u64);
    assert!((60..140).contains(&counters.lost), "{} lost", counters.lost);
    assert!((60..140).contains(&counters.duplicated), "{} duplicated", counters.duplicated);
    assert_eq!(items(&mut link).len() as u64, sent as u64 + counters.duplicated);
}

#[test]
fn one_fault_does_not_reshuffle_another() {
    let lossy = LinkSpec { loss: Ratio::percent(10), ..jittery() };
    let worse = LinkSpec { duplicate: Ratio::percent(30), reorder: Ratio::percent(30), ..lossy.clone() };
    let outcomes = |spec: LinkSpec| {
        let mut link = link(spec);
        (0..500).map(|item| link.send(SimTime::ZERO, 0, 1, item)).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(lossy), outcomes(worse));
}

#[test]
fn a_cut_loses_what_is_under_way_and_what_is_sent_until_it_heals() {
    let mut link = link(LinkSpec::reliable(ms(10)..=ms(10), Some(MIB)));
    link.send(SimTime::ZERO, 0, 0, 1); // travelling when the link is cut
    link.send(SimTime::ZERO, 0, MIB, 2); // waiting for bandwidth
    link.cut(at_ms(5));
    assert!(link.is_cut());
    assert_eq!((link.in_flight(), link.bytes_in_flight(), link.deadline()), (0, 0, None));
    assert_eq!(link.send(at_ms(6), 0, 1, 3), SendOutcome::Dropped);
    assert_eq!(link.counters().cut, 3);
    link.heal();
    assert_eq!(link.send(at_ms(7), 0, 0, 4), SendOutcome::Sent);
    assert_eq!(arrivals(&mut link), [(at_ms(17), 4)]);
}

#[test]
fn a_link_becomes_slow_and_recovers() {
    let fast = LinkSpec::reliable(ms(0)..=ms(0), Some(MIB));
    let stalled = LinkSpec { bandwidth_bytes_per_sec: Some(0), ..fast.clone() };
    let mut link = link(fast.clone());
    link.send(SimTime::ZERO, 0, 2 * MIB, 1);
    link.set_spec(at_ms(1_000), stalled);
    assert_eq!(link.deadline(), None);
    link.set_spec(at_ms(9_000), fast);
    assert_eq!(arrivals(&mut link), [(at_ms(10_000), 1)]);
}

#[test]
fn what_was_sent_before_a_link_got_worse_is_not_late() {
    let mut link = link(LinkSpec::reliable(ms(1)..=ms(1), Some(MIB)));
    link.send(SimTime::ZERO, 0, MIB, 1);
    link.set_spec(SimTime::ZERO, LinkSpec::reliable(ms(500)..=ms(500), Some(MIB)));
    link.send(SimTime::ZERO, 1, 0, 2);
    assert_eq!(arrivals(&mut link), [(at_ms(500), 2), (at_ms(1_001), 1)]);
}

#[test]
fn a_lifted_limit_lets_everything_go() {
    let mut link = link(LinkSpec::reliable(ms(1)..=ms(1), Some(1)));
    for item in 0..3 {
        link.send(SimTime::ZERO, 0, MIB, item);
    }
    link.set_spec(at_ms(10), LinkSpec::reliable(ms(1)..=ms(1), None));
    assert_eq!(arrivals(&mut link), [(at_ms(11), 0), (at_ms(11), 1), (at_ms(11), 2)]);
}

#[test]
fn a_snapshot_has_the_same_future() {
    let mut link = link(LinkSpec { loss: Ratio::percent(10), reorder: Ratio::percent(10), ..jittery() });
    for item in 0..50 {
        link.send(SimTime::ZERO, item % 3, 1, item);
    }
    let mut snapshot = link.clone();
    for link in [&mut link, &mut snapshot] {
        for item in 50..100 {
            link.send(at_ms(2), item % 3, 1, item);
        }
    }
    assert_eq!(arrivals(&mut link), arrivals(&mut snapshot));
}

proptest! {
    /// Two flows with the same messages finish within one message of each other, and together use all the
    /// bandwidth.
    #[test]
    fn equal_flows_finish_together(count in 1u32..60, bytes in 1u64..200_000, rate in 1_000u64..1_000_000_000) {
        let mut link = link(LinkSpec::reliable(ms(0)..=ms(0), Some(rate)));
        for flow in 0..2 {
            for _ in 0..count {
                link.send(SimTime::ZERO, flow, bytes, flow);
            }
        }
        let arrived = arrivals(&mut link);
        let end_of = |flow| arrived.iter().rev().find(|&&(_, item)| item == flow).map(|&(at, _)| at.as_nanos());
        let (one, other) = (end_of(0).unwrap(), end_of(1).unwrap());
        let one_message = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate)) as u64;
        prop_assert!(one.abs_diff(other) <= one_message);
        let total = u128::from(bytes) * 2 * u128::from(count) * 1_000_000_000;
        let ideal = total.div_ceil(u128::from(rate)) as u64;
        prop_assert!((ideal..=ideal + 1).contains(&one.max(other)), "{} not {ideal}", one.max(other));
    }

    /// Whatever happens to a link, no message is forgotten or invented, and what is in flight adds up.
    #[test]
    fn every_message_is_accounted_for(
        seed: u64,
        rate in prop::option::of(0u64..100_000),
        percents in prop::array::uniform3(0u64..40),
        steps in prop::collection::vec((0u64..30, 0u8..12, 0u32..4, 0u64..3_000), 0..150),
    ) {
        let [loss, reorder, duplicate] = percents.map(Ratio::percent);
        let spec = LinkSpec { loss, reorder, duplicate, ..LinkSpec::reliable(ms(1)..=ms(40), rate) };
        let mut link = Link::new(spec.clone(), Seed(seed).chance("link"));
        let (mut now, mut out) = (SimTime::ZERO, Vec::new());
        for (gap, action, flow, bytes) in steps {
            now += ms(gap);
            match action {
                0 => link.cut(now),
                1 => link.heal(),
                2 => link.set_spec(now, LinkSpec { bandwidth_bytes_per_sec: None, ..spec.clone() }),
                3 => link.set_spec(now, spec.clone()),
                4 | 5 => link.poll(now, &mut out),
                _ => { link.send(now, flow, bytes, flow); }
            }
            let counters = link.counters();
            prop_assert_eq!(counters.delivered, out.len() as u64);
            prop_assert_eq!(
                counters.sent + counters.duplicated,
                counters.delivered + counters.lost + counters.cut + link.in_flight() as u64
            );
        }
        link.set_spec(now, LinkSpec { bandwidth_bytes_per_sec: None, ..spec });
        arrivals(&mut link);
        prop_assert_eq!((link.in_flight(), link.bytes_in_flight(), link.flows.len()), (0, 0, 0));
    }

    /// Without reordering, each flow arrives in the order sent, even through jitter, limits and copies.
    #[test]
    fn flows_keep_their_order(
        seed: u64,
        rate in prop::option::of(1_000u64..1_000_000),
        duplicate in 0u64..50,
        sends in prop::collection::vec((0u64..20, 0u32..3, 0u64..2_000), 1..100),
    ) {
        let spec = LinkSpec { duplicate: Ratio::percent(duplicate), ..LinkSpec::reliable(ms(1)..=ms(40), rate) };
        let mut link = Link::new(spec, Seed(seed).chance("link"));
        let (mut now, mut out) = (SimTime::ZERO, Vec::new());
        for (number, (gap, flow, bytes)) in (0u32..).zip(sends) {
            now += ms(gap);
            link.send(now, flow, bytes, flow * 1_000 + number);
            link.poll(now, &mut out);
        }
        out.extend(items(&mut link));
        for flow in 0..3 {
            prop_assert!(out.iter().filter(|&&item| item / 1_000 == flow).is_sorted());
        }
    }
}
