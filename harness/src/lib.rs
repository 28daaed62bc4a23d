//! Scenario to world to run to verdict to report
