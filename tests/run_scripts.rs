//! Scripts of recovery plans, really run with `--run-scripts`: what they are told, how they end, what is kept of what they say.
//! Beside each that goes well stands one that does not.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

mod common;

use common::{Folder, Ran, exit, one_small_machine, root};

/// A program of `tests/scripts`.
fn program(name: &str) -> String {
    format!("program: {}", root().join("tests/scripts").join(name).display())
}

/// One machine fails over by a plan, and then a script is run; one attempt, to fail for that reason or not at all.
fn plan(script: &str, fails: &str) -> String {
    let text = one_small_machine(
        "plans:\n  - plan: shop\n    groups:\n      - { vms: [web-01], after: [{ script: { SCRIPT, takes: 4m } }] }\n\
         operator: { attempts: 1 }\n",
    );
    let step = "failover: { vm: web-01, to: latest, shutdown: true }\n";
    assert!(text.contains(step));
    let of_plan = format!("failover: {{ plan: shop, to: latest, shutdown: true }}\n{fails}");
    text.replace(step, &of_plan).replace("SCRIPT", script)
}

const FAILS: &str = "    fails: script-failed\n";

fn run(folder: &Folder, script: &str, fails: &str, options: &[&str]) -> Ran {
    folder.file("plan.yaml", plan(script, fails));
    let all: Vec<&str> = ["run", "plan.yaml"].into_iter().chain(options.iter().copied()).collect();
    folder.switchback(&all)
}

/// The only script that was really run, in the JSON report.
#[track_caller]
fn ran(folder: &Folder, script: &str, fails: &str, more: &[&str]) -> Value {
    let options: Vec<&str> =
        ["--run-scripts", "--json", "-"].into_iter().chain(more.iter().copied()).collect();
    let drill = run(folder, script, fails, &options).exits(exit::HELD).drill();
    let scripts = drill["scripts_really_ran"].as_array().expect("scripts were run").clone();
    assert_eq!(scripts.len(), 1, "{scripts:?}");
    scripts[0].clone()
}

#[test]
fn a_program_is_told_the_context_of_its_plan_in_both_ways() {
    let folder = Folder::new();
    let script = ran(&folder, &program("keeps-what-it-is-told.sh"), "", &[]);
    assert_eq!((&script["exit"], &script["how"]), (&Value::from(0), &Value::from("exit code 0")));
    assert_eq!(script["output"], "the database answers\n");
    assert_eq!(script["is_cut"], false);

    let told = folder.read("input.json");
    assert_eq!(told, folder.read("parameter.json"));
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!(told["RecoveryPlanName"], "shop");
    assert_eq!(told["FailoverType"], "Unplanned");
    assert_eq!(told["FailoverDirection"], "PrimaryToSecondary");
    assert_eq!(told["GroupId"], "1");
    let machines = told["VmMap"].as_object().expect("machines are told by their identifiers");
    let machine = machines.values().next().expect("one machine");
    let keys: Vec<&String> = machine.as_object().expect("of each there is something").keys().collect();
    let wanted = ["CloudServiceName", "RecoveryPointId", "ResourceGroupName", "RoleName", "SubscriptionId"];
    assert!(wanted.iter().all(|key| keys.iter().any(|has| has == key)), "{keys:?}");
    assert_eq!(machine["RoleName"], "web-01");
}

#[test]
fn a_program_takes_the_time_in_the_drill_that_the_scenario_says() {
    let folder = Folder::new();
    let options = ["--run-scripts", "--json", "-"];
    let really = run(&folder, &program("keeps-what-it-is-told.sh"), "", &options).exits(exit::HELD).drill();
    let said = run(&folder, &program("keeps-what-it-is-told.sh"), "", &["--json", "-"]).drill();
    assert_eq!(really["steps"], said["steps"]);
    // It ended as was said, so everything is the same.
    assert_eq!(really["digest"], said["digest"]);
}

/// The twin of all others: nobody asked for it.
#[test]
fn without_the_option_nothing_is_run_and_the_report_says_so() {
    let folder = Folder::new();
    let ran = run(&folder, &program("keeps-what-it-is-told.sh"), "", &[]).exits(exit::HELD);
    ran.says("scripts: not run; each took the time and ended as the scenario says");
    let drill = run(&folder, &program("keeps-what-it-is-told.sh"), "", &["--json", "-"]).drill();
    assert_eq!(drill["scripts_really_ran"], Value::Null);
    let ran = run(&folder, &program("keeps-what-it-is-told.sh"), "", &["--run-scripts"]).exits(exit::HELD);
    ran.says("scripts: really run, so this drill had effects outside it").says("the database answers");
}

#[test]
fn twice_and_really_are_not_asked_for_together() {
    let folder = Folder::new();
    run(&folder, &program("fails.sh"), "", &["--run-scripts", "--twice"]).exits(exit::USAGE);
    run(&folder, &program("fails.sh"), "", &["--script-timeout", "1s"]).exits(exit::USAGE);
}

#[test]
fn a_program_that_fails_fails_its_plan() {
    let folder = Folder::new();
    let script = ran(&folder, &program("fails.sh"), FAILS, &[]);
    assert_eq!((&script["exit"], &script["how"]), (&Value::from(3), &Value::from("exit code 3")));
    assert_eq!(script["output"], "the database does not answer\n");
    // Nobody expects it: the timeline is not carried out.
    let twin = run(&folder, &program("fails.sh"), "", &["--run-scripts"]);
    assert_eq!(twin.code, Some(exit::DID_NOT_CONVERGE));
    twin.says("the script ended with exit code 3");
}

#[test]
fn a_program_that_is_not_there_fails_its_plan() {
    let folder = Folder::new();
    let script = ran(&folder, "program: scripts/nobody-has-written-this.sh", FAILS, &[]);
    assert_eq!(script["exit"], 127);
    // A file that is none.
    folder.file("notes.txt", "not to be run");
    assert_eq!(ran(&folder, "program: notes.txt", FAILS, &[])["exit"], 126);
}

#[test]
fn a_program_that_hangs_is_given_up_with_all_it_has_started() {
    let folder = Folder::new();
    let script = ran(&folder, &program("hangs.sh"), FAILS, &["--script-timeout", "1s"]);
    assert_eq!(script["exit"], 124);
    assert_eq!(script["how"], "given up after 1.0s");
    assert_eq!(script["output"], "waiting\n");
    let child = folder.read("child.pid");
    let state = std::fs::read_to_string(Path::new("/proc").join(child.trim()).join("stat"));
    assert!(state.as_ref().map_or(true, |state| state.contains(") Z ")), "{state:?}");
}

#[test]
fn of_a_megabyte_the_beginning_is_kept() {
    let folder = Folder::new();
    let script = ran(&folder, &program("prints-a-megabyte.sh"), "", &[]);
    assert_eq!(script["exit"], 0);
    assert_eq!(script["output"].as_str().map(str::len), Some(4096));
    assert_eq!(script["is_cut"], true);
}

#[test]
fn nobody_waits_for_what_a_program_leaves_behind() {
    let folder = Folder::new();
    let script = ran(&folder, &program("leaves-somebody-behind.sh"), "", &["--script-timeout", "15s"]);
    assert_eq!((&script["exit"], &script["output"]), (&Value::from(0), &Value::from("started\n")));
}

/// Listens for one request, and gives this answer; none to hang until the caller has gone. Says what was asked.
fn answer_once(listener: &TcpListener, answer: Option<&str>) -> String {
    let mut stream = accept(listener);
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    let asked = request(&mut stream);
    match answer {
        Some(answer) => stream.write_all(answer.as_bytes()).expect("the caller listens"),
        // Until the caller goes.
        None => drop(stream.read(&mut [0; 1])),
    }
    asked
}

/// Whoever calls; a test whose program does not call fails and does not hang.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("it need not wait");
    for _ in 0..6000 {
        if let Ok((stream, _)) = listener.accept() {
            return stream;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
    panic!("nobody calls")
}

/// A request with its body, which is as long as its head says.
fn request(stream: &mut TcpStream) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).expect("the request arrives");
        assert!(count > 0, "it breaks off after {all}");
        all.push_str(&String::from_utf8_lossy(&buffer[..count]));
        let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length: ").and_then(|length| length.parse::<usize>().ok())
        });
        if body.len() >= length.unwrap_or(0) {
            return all;
        }
    }
}

/// Runs the plan with a web hook that gives this answer; what it was asked, and what was really run.
fn hook(answer: Option<&str>, fails: &str) -> (String, Value) {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let at = listener.local_addr().expect("it has an address");
    thread::scope(|scope| {
        let asked = scope.spawn(|| answer_once(&listener, answer));
        let script = format!("web-hook: \"http://{at}/point-names-at-azure?token=1\"");
        let ran = ran(&folder, &script, fails, &["--script-timeout", "3s"]);
        (asked.join().expect("the listener ends"), ran)
    })
}

#[test]
fn a_web_hook_gets_the_context_of_its_plan_by_post() {
    let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 20\r\n\r\n{\"JobIds\":[\"00-11\"]}";
    let (asked, script) = hook(Some(answer), "");
    assert_eq!((&script["exit"], &script["how"]), (&Value::from(0), &Value::from("HTTP 202")));
    assert_eq!(script["output"], "{\"JobIds\":[\"00-11\"]}");
    assert!(asked.starts_with("POST /point-names-at-azure?token=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("content-type: application/json\r\n"), "{asked}");
    let (_, body) = asked.split_once("\r\n\r\n").expect("it has a body");
    let told: Value = serde_json::from_str(body).expect("the body is JSON");
    assert_eq!(told["RecoveryPlanName"], "shop");
}

#[test]
fn a_web_hook_that_answers_with_an_error_fails_its_plan() {
    let (_, script) = hook(Some("HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\nbroken"), FAILS);
    assert_eq!((&script["exit"], &script["how"]), (&Value::from(1), &Value::from("HTTP 500")));
    assert_eq!(script["output"], "broken");
    // It is not followed elsewhere.
    let (_, script) = hook(Some("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), FAILS);
    assert_eq!(script["how"], "HTTP 302");
}

#[test]
fn a_web_hook_that_does_not_answer_is_given_up() {
    let (_, script) = hook(None, FAILS);
    assert_eq!((&script["exit"], &script["how"]), (&Value::from(124), &Value::from("given up after 3.0s")));
}

#[test]
fn a_web_hook_that_nobody_listens_at_fails_its_plan() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let script = format!("web-hook: \"http://{}/\"", free.expect("a port is free"));
    let script = ran(&Folder::new(), &script, FAILS, &[]);
    assert_eq!(script["exit"], 1);
    assert!(script["how"].as_str().is_some_and(|how| how.contains("it cannot be called")), "{script}");
}

#[test]
fn of_a_long_answer_the_beginning_is_kept() {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n{}", "x".repeat(1 << 20));
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let at = listener.local_addr().expect("it has an address");
    let script = thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = accept(&listener);
            request(&mut stream);
            // The caller goes before it has all.
            let _ = stream.write_all(answer.as_bytes());
        });
        ran(&folder, &format!("web-hook: \"http://{at}/\""), "", &[])
    });
    assert_eq!(script["output"].as_str().map(str::len), Some(4096));
    assert_eq!(script["is_cut"], true);
}
