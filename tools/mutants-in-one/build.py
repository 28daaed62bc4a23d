"""Builds the program with all mutants in it: worktree, list, rewriting, test programs."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

PACKAGE, LIB = "switchback-engine", "engine/src/lib.rs"
# What is run, beside the engine's own tests: whole journeys and what a user meets on them. What tests the judges, the reports or the reading of
# files would take long and say little more.
PROGRAMS = {
    "switchback-harness": {"stepper": [], "journey": [], "weather": [], "crash_sweep": ["even_positions"]},
    "switchback": {"replay": [], "explore": ["every_regression"], "determinism": ["every_build_agrees"]},
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

    def __init__(self, name, folder, executable, filters=()):
        self.name, self.folder, self.executable, self.filters = name, folder, executable, filters
        self.seconds = 0.0

    def command(self, _mutant):
        return [self.executable, *self.filters]


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
        lines = (self.work / "built.json").read_text(encoding="utf-8").split("\n")
        built = [json.loads(line) for line in lines if line]
        return [program for each in built if each.get("executable") and (program := self.program(each))]

    def program(self, artefact):
        """What is run of a program that was built; none if it is not of the selection."""
        folder, target = os.path.dirname(artefact["manifest_path"]), artefact["target"]["name"]
        is_root, is_test = folder == str(self.tree), artefact["profile"]["test"]
        package = "switchback" if is_root else f"switchback-{os.path.basename(folder)}"
        if is_root and target == "switchback" and not is_test:
            return Explore(folder, artefact["executable"], self.work / "bugs", self.runs)
        name = f"{package.removeprefix('switchback-')}/{target}"
        if is_test and package == PACKAGE:
            return Program(name, folder, artefact["executable"])
        filters = PROGRAMS.get(package, {}).get(target)
        return Program(name, folder, artefact["executable"], filters) if is_test and filters is not None else None
