//! What a page may hold, whatever the names in a scenario are.

use std::sync::Arc;

use switchback_harness::Outcome;
use switchback_harness::check::Judge;
use switchback_scenarios::{Scenario, read_file};

use super::{PLOT_SCRIPT, SCRIPT, page};
use crate::chain::chain;
use crate::record::{Record, events};

fn the_journey() -> (Arc<Scenario>, Outcome) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/failover-and-failback.yaml");
    let scenario = Arc::new(read_file(file.as_ref()).expect("a scenario of the tree is valid"));
    let outcome = switchback_harness::run(&scenario, |_| {}).expect("its world can be built");
    (scenario, outcome)
}

#[test]
fn deviations_stand_with_the_worst_first() {
    let (scenario, mut outcome) = the_journey();
    let log = chain(events(&outcome)).expect("events are JSON");
    let deviations = |outcome: &Outcome| {
        let page = page(&Record::new(&scenario, outcome, &log), outcome);
        let (_, after) = page.split_once("<h2>Deviations and findings</h2>").expect("there is such a part");
        after.split("<h2>").next().unwrap_or_default().to_owned()
    };
    assert!(deviations(&outcome).contains("None."), "nothing deviated");
    for verdict in &mut outcome.verdicts {
        verdict.held = !["RTO of web-01", Judge::Prefix.title()].contains(&verdict.name.as_str());
    }
    outcome.steps[0].well = false;
    let told = deviations(&outcome);
    let places = ["safety failed", "objective missed", "note"].map(|severity| told.find(severity));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{told}");
}

#[test]
fn names_cannot_become_markup() {
    let (scenario, mut outcome) = the_journey();
    let plain = chain(events(&outcome)).expect("events are JSON");
    let before = page(&Record::new(&scenario, &outcome, &plain), &outcome);
    let evil = "</script><img src=x onerror=alert(1)>\"'";
    outcome.machines[0] = evil.to_owned();
    outcome.scenario = evil.to_owned();
    outcome.summary = evil.to_owned();
    outcome.steps[0].name = evil.to_owned();
    outcome.verdicts[0].figure = evil.to_owned();
    let log = chain(events(&outcome)).expect("events are JSON");
    let after = page(&Record::new(&scenario, &outcome, &log), &outcome);
    assert!(after.contains("&lt;/script&gt;&lt;img"), "the name is shown");
    assert!(!after.contains("<img"), "and is not markup");
    let tags = |page: &str, tag: &str| page.matches(tag).count();
    assert_eq!(tags(&before, "</script"), tags(&after, "</script"));
    assert_eq!(tags(&before, "</script"), 2);
}

#[test]
fn no_script_of_the_page_ends_itself_or_asks_the_network() {
    for script in [PLOT_SCRIPT, SCRIPT] {
        assert!(!script.contains("</script") && !script.contains("<!--"));
        assert!(
            ["fetch(", "XMLHttpRequest", "WebSocket", "import("].iter().all(|word| !script.contains(word))
        );
    }
}
