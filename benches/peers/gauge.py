"""What things cost: time, CPU of processes, bytes over loopback; and how it is told."""

import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """CPU that a process has used, in seconds, with the children it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICK


def loopback_bytes():
    """Bytes that went over loopback so far, with the headers of TCP."""
    for line in pathlib.Path("/proc/net/dev").read_text().splitlines():
        if line.strip().startswith("lo:"):
            return int(line.split(":")[1].split()[0])
    raise RuntimeError("there is no loopback")


def run(*command):
    """Runs a program to its end: seconds, and CPU seconds."""
    before, since = os.times(), time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    took, after = time.monotonic() - since, os.times()
    if done.returncode:
        raise RuntimeError(f"{command[0]} fails: {(done.stderr or done.stdout)[-600:]}")
    return took, after.children_user + after.children_system - before.children_user - before.children_system


def fio(uri_or_file, **options):
    """What a load of fio's reports."""
    where = ["--ioengine=nbd", f"--uri={uri_or_file}"] if "nbd" in str(uri_or_file) else ["--ioengine=psync", f"--filename={uri_or_file}"]
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = ["fio", "--name=load", *where, "--output-format=json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"fio fails: {(done.stderr or done.stdout)[-600:]}")
    return json.loads(done.stdout[done.stdout.index("{"):])["jobs"]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(what, is_so, seconds):
    """Waits until something is so, at most so long; looks a hundred times a second."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} was not so within {seconds} s")
        time.sleep(0.01)


def is_listening(port):
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def missing(*programs):
    return [program for program in programs if not shutil.which(program)]


def version(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).splitlines()[0]


class Pairs:
    """Figures of interleaved rounds, by contender and by what was measured."""

    def __init__(self, title):
        self.title, self.figures = title, {}

    def add(self, who, **figures):
        for what, figure in figures.items():
            self.figures.setdefault(what, {}).setdefault(who, []).append(figure)

    def median(self, what, who):
        return statistics.median(self.figures[what][who])

    def ratios(self, what, ours, theirs):
        """One ratio for each round in which both were measured."""
        both = zip(self.figures[what][ours], self.figures[what][theirs])
        return [our / their if their else float("nan") for our, their in both]

    def tell(self, ratios=()):
        """A table of medians, then the ratios that matter: (what, ours, theirs, bound in words)."""
        print(f"\n{self.title}")
        for what, by_who in self.figures.items():
            told = "  ".join(f"{who} {statistics.median(values):,.2f} ({min(values):,.2f} to {max(values):,.2f})" for who, values in by_who.items())
            print(f"  {what.replace('_', ' '):24} {told}")
        for what, ours, theirs, bound in ratios:
            if what not in self.figures:
                continue
            all_of_them = self.ratios(what, ours, theirs)
            print(f"  ratio of {what.replace('_', ' ')}, {ours} to {theirs}: {statistics.median(all_of_them):.3f} in the middle of {len(all_of_them)} pairs ({min(all_of_them):.3f} to {max(all_of_them):.3f}); wanted: {bound}")
