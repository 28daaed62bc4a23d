"""Two nodes of Switchback on loopback, as in docs/guide/live.md, and what can be asked of them."""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import gauge

HOME = """node: home
directory: home
roles: [{roles}]
listen: 127.0.0.1:{home}
metrics: 127.0.0.1:{home_metrics}
peers:
  control: 127.0.0.1:{away}
  target-recovery: 127.0.0.1:{away}
  process-server-{other}: 127.0.0.1:{away}
  agent-0-recovery: 127.0.0.1:{away}
agent:
  machine: 0
  disks: [{{image: disk.raw}}]
  export: unix:disk.sock
  memory: {memory}
  drain-every: {drain_every}
{home_server}target: {{site: primary, replicas: home/replicas}}
"""

AWAY = """node: away
directory: away
roles: [process-server, target, control]
listen: 127.0.0.1:{away}
metrics: 127.0.0.1:{away_metrics}
peers:
{away_peers}  target-primary: 127.0.0.1:{home}
  agent-0-primary: 127.0.0.1:{home}
process-server: {{number: {other}, cache: {cache}{compression}}}
target:
  site: recovery
  replicas: away/replicas
  recovered: [{{machine: 0, export: unix:recovered.sock}}]
control: {{}}
"""


class Estate:
    """A machine at home with one disk, and the site away. With `near` the process server that packs stands at home."""

    def __init__(self, switchback, place, near=True, memory="1GiB", cache="4GiB", compression=None, drain_every="1s"):
        self.switchback, self.place, self.near = switchback, pathlib.Path(place), near
        self.place.mkdir(parents=True, exist_ok=True)
        self.disk, self.socket = self.place / "disk.raw", self.place / "disk.sock"
        self.uri = f"nbd+unix:///disk-0?socket={self.socket}"
        self.nodes = {}
        ports = {name: gauge.free_port() for name in ("home", "away", "home_metrics", "away_metrics")}
        self.metrics_of = {"home": ports["home_metrics"], "away": ports["away_metrics"]}
        key = f", compression: {compression}" if compression else ""
        values = {
            **ports, "memory": memory, "drain_every": drain_every, "cache": cache, "other": 1 if near else 0, "compression": key,
            "roles": "agent, process-server, target" if near else "agent, target",
            "home_server": f"process-server: {{number: 0, cache: {cache}{key}}}\n" if near else "",
            "away_peers": f"  process-server-0: 127.0.0.1:{ports['home']}\n" if near else "",
        }
        (self.place / "home.yaml").write_text(HOME.format(**values))
        (self.place / "away.yaml").write_text(AWAY.format(**values))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.nodes):
            self.end(name)
        shutil.rmtree(self.place, ignore_errors=True)

    def begin(self, *names):
        """Starts nodes, and waits until each has begun."""
        for name in names:
            ready = self.place / f"{name}.ready"
            ready.unlink(missing_ok=True)
            with open(self.place / f"{name}.log", "ab") as log:
                command = [self.switchback, "node", self.place / f"{name}.yaml", "--ready-file", ready]
                self.nodes[name] = subprocess.Popen(command, stdout=log, stderr=log)
            gauge.wait_for(f"{name} has begun", lambda: ready.exists() or self.has_died(name), 60)

    def has_died(self, name):
        if self.nodes[name].poll() is None:
            return False
        raise RuntimeError(f"{name} has ended: {(self.place / f'{name}.log').read_text()[-800:]}")

    def end(self, name, how=signal.SIGKILL):
        node = self.nodes.pop(name)
        node.send_signal(how)
        node.wait()

    def pause(self, name, is_paused):
        self.nodes[name].send_signal(signal.SIGSTOP if is_paused else signal.SIGCONT)

    def cpu(self):
        """CPU that both nodes have used so far, in seconds."""
        return sum(gauge.cpu(node.pid) for node in self.nodes.values())

    def ask(self, *what):
        command = [self.switchback, *what, "--node", self.place / "away.yaml", "--json"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"switchback {' '.join(map(str, what))} fails: {done.stderr[-600:]}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    def protect(self, points_every="5s"):
        self.ask("protect", "--disk-bytes", self.disk.stat().st_size, "--points-every", points_every)

    def figure(self, node, name):
        """A figure of a node's metrics, all its labels together."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_of[node]}/metrics") as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^switchback_{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M))

    def is_in_data_order(self):
        """The agent has the payload of everything that was written, in the order in which it was."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_of['home']}/metrics") as answer:
            return 'order="Data"' in answer.read().decode()

    def points(self):
        """The instants of the recovery points, in seconds since 1970, oldest first."""
        return [point["at_ns"] / 1e9 for point in self.ask("points")]

    def wait_until_protected(self, seconds=600):
        """Waits for the first recovery point."""
        gauge.wait_for("there is a recovery point", lambda: self.figure("away", "recovery_points") > 0, seconds)

    def backlog_bytes(self):
        server = "home" if self.near else "away"
        return self.figure("home", "agent_backlog_bytes") + self.figure(server, "process_server_cached_bytes")

    def wait_until_drained(self, seconds=300):
        """Waits until everything captured is at the target."""
        gauge.wait_for("everything is at the target", lambda: self.backlog_bytes() == 0, seconds)

    def wait_for_point_after(self, instant, seconds=300):
        """Waits for a recovery point of an instant that is not before this one, in seconds since 1970."""
        gauge.wait_for("there is a later point", lambda: (self.points() or [0])[-1] >= instant, seconds)

    def stored_bytes(self, *folders):
        """What lies in folders of the place, in bytes of disk."""
        files = (file for folder in folders for file in (self.place / folder).rglob("*") if file.is_file())
        return sum(file.stat().st_blocks * 512 for file in files)


def now():
    return time.time()
