//! JUnit: a test suite for each drill, a test case for each verdict.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::outcome::{Outcome, Verdict};

/// The drills as one JUnit document.
///
/// # Errors
/// When the document cannot be written as XML.
pub fn junit(outcomes: &[Outcome]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("switchback");
    for outcome in outcomes {
        let mut suite = TestSuite::new(&outcome.scenario);
        suite.add_test_cases(outcome.verdicts.iter().map(case));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(verdict: &Verdict) -> TestCase {
    let status = if verdict.held {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(verdict.figure.clone());
        status.set_description(verdict.findings.join("\n"));
        status
    };
    let mut case = TestCase::new(&verdict.name, status);
    if let Some(line) = &verdict.asked_for_at {
        case.set_classname(line);
    }
    case
}
