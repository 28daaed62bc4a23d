"""Builds the program with all mutants in it: worktree, list, rewriting, test programs."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

PACKAGE, LIB = "switchback-engine", "engine/src/lib.rs"
# What is run, beside the engine's own tests. What tests judges, reports or reading only would say nothing that these do not.
PROGRAMS = {
    "switchback-harness": ["stepper", "explore", "journey", "judges", "weather", "crash_sweep", "adapter"],
    "switchback": ["replay", "explore", "determinism", "small_trace", "run"],
}
# Quick to run, with every assertion on.
PROFILE = [
    'profile.mutants.inherits="release"', "profile.mutants.opt-level=2", 'profile.mutants.lto="off"',
    "profile.mutants.codegen-units=16", "profile.mutants.debug=false", "profile.mutants.debug-assertions=true",
    "profile.mutants.overflow-checks=true",
]


@dataclasses.dataclass
class Mutant:
    number: str
    state: str
    file: str
    genre: str
    name: str
    detail: str


class Program:
    """A program of tests."""

    def __init__(self, name, folder, executable):
        self.name, self.folder, self.executable = name, folder, executable
        self.seconds = 0.0

    def command(self, _mutant):
        return [self.executable]


class Explore(Program):
    """A short exploration, with the judges for tests."""

    def __init__(self, folder, executable, bugs, runs):
        super().__init__(f"explore-{runs}", folder, executable)
        self.bugs, self.runs = bugs, runs

    def command(self, mutant):
        # Explore runs first what a bug base holds: what another mutant did must not be tried here.
        bugs = self.bugs / str(mutant)
        shutil.rmtree(bugs, ignore_errors=True)
        bugs.mkdir(parents=True)
        return [
            self.executable, "explore", "--runs", str(self.runs), "--seed", "1", "--until-failure", "--jobs", "1",
            "--bug-base", str(bugs), "-q", "--json", "-",
        ]


class Build:
    def __init__(self, repository, here, work, runs):
        self.repository, self.here, self.work, self.runs = repository, here, work, runs
        self.tree = work / "tree"
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(work / "build"), "RUSTFLAGS": "--cap-lints=allow"}

    def call(self, command, at, **more):
        done = subprocess.run(command, cwd=at, text=True, **more)
        if done.returncode != 0:
            sys.exit(f"failed: {' '.join(map(str, command))}")
        return done.stdout

    def make(self):
        """Takes what is committed, puts all mutants into it and builds the programs."""
        head = self.call(["git", "rev-parse", "HEAD"], self.repository, stdout=subprocess.PIPE).strip()
        if not self.tree.exists():
            self.call(["git", "worktree", "add", "--quiet", "--detach", self.tree, head], self.repository)
        self.call(["git", "checkout", "--quiet", "--force", "--detach", head], self.tree)
        listed = self.call(
            ["cargo", "mutants", "--package", PACKAGE, "--list", "--json"], self.tree, stdout=subprocess.PIPE
        )
        (self.work / "list.json").write_text(listed, encoding="utf-8")
        tool = {**os.environ, "CARGO_TARGET_DIR": str(self.work / "tool")}
        manifest = self.here / "Cargo.toml"
        self.call(["cargo", "build", "--quiet", "--release", "--manifest-path", manifest], self.here, env=tool)
        self.call(
            [self.work / "tool/release/mutants-in-one", self.work / "list.json", self.tree, PACKAGE, LIB, self.work / "plan.tsv"],
            self.tree, env=self.environment,
        )
        (self.work / "built.json").write_text(self.build(), encoding="utf-8")

    def build(self):
        configuration = [part for line in PROFILE for part in ("--config", line)]
        packages = [part for name in [PACKAGE, *PROGRAMS] for part in ("--package", name)]
        command = ["cargo", "test", "--quiet", "--no-run", "--profile", "mutants", "--message-format=json"]
        return self.call([*command, *configuration, *packages], self.tree, env=self.environment, stdout=subprocess.PIPE)

    def plan(self):
        lines = (self.work / "plan.tsv").read_text(encoding="utf-8").split("\n")[1:]
        return [Mutant(*line.split("\t")) for line in lines if line]

    def programs(self):
        built = [json.loads(line) for line in (self.work / "built.json").read_text(encoding="utf-8").split("\n") if line]
        programs = []
        for each in built:
            if not each.get("executable"):
                continue
            folder, target = os.path.dirname(each["manifest_path"]), each["target"]
            package = each["package_id"].split("#")[-1].split("@")[0]
            package = package if package.startswith("switchback") else f"switchback-{os.path.basename(folder)}"
            package = "switchback" if folder == str(self.tree) else package
            if target["kind"] == ["bin"] and not each["profile"]["test"] and package == "switchback":
                programs.append(Explore(folder, each["executable"], self.work / "bugs", self.runs))
            elif each["profile"]["test"] and (package == PACKAGE or target["name"] in PROGRAMS.get(package, [])):
                short = package.removeprefix("switchback-")
                own = target["name"] == "determinism"
                programs.append(Program(target["name"] if own else f"{short}/{target['name']}", folder, each["executable"]))
        return programs
