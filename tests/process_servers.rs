//! Moves to another process server: every scenario of the folder holds, and what a move is good for is lost without it.

use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

const FILES: [&str; 4] = [
    "scenarios/process-servers/a-move-that-is-refused.yaml",
    "scenarios/process-servers/move-and-move-back.yaml",
    "scenarios/process-servers/move-before-maintenance.yaml",
    "scenarios/process-servers/stay-during-maintenance.yaml",
];

#[test]
fn every_scenario_of_a_move_holds() {
    let run: Vec<&str> = core::iter::once("run").chain(FILES).collect();
    switchback(&run).exits(exit::HELD);
}

/// The twin: who stays with the process server that is down loses half an hour, not seconds.
#[test]
fn without_the_move_the_objective_is_missed() {
    let text = fs::read_to_string(root().join(FILES[2])).expect("the scenario is there");
    let moves = "  - { at: 20m, switch-process-server: { vm: web-01, to: scale-out-1 } }\n";
    let task = "  - task: { step: switch-process-server, task: switch-process-server, is: succeeded }\n";
    assert!(text.contains(moves) && text.contains(task));
    let stays = text.replace(moves, "").replace(task, "").replace("../schema", "schema");
    let folder = Folder::new();
    let file = folder.file("stays.yaml", stays);
    switchback(&["run", &file.display().to_string()])
        .exits(exit::OBJECTIVE_MISSED)
        .says("RPO of web-01")
        .says("30m 00s, at most 10.0s");
}
