//! What a page may hold, whatever the names in a scenario are.

use std::sync::Arc;

use switchback_scenarios::read_file;

use super::{PLOT_SCRIPT, SCRIPT, page};
use crate::chain::chain;
use crate::record::{Record, events};

#[test]
fn names_cannot_become_markup() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/failover-and-failback.yaml");
    let scenario = Arc::new(read_file(file.as_ref()).expect("a scenario of the tree is valid"));
    let mut outcome = switchback_harness::run(&scenario, |_| {}).expect("its world can be built");
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
