"""A change of 1 % that nobody has sent on yet: what is known of it is where it is."""

import json
import socket
import subprocess
import time

import gauge
from estate import Estate, now

BLOCK = 4096


def compare(options):
    """The site away stands still while the change is made, so that the agent keeps a bitmap; QEMU keeps one in any case."""
    size = options.bytes(4)
    changed = size // 100 // BLOCK * BLOCK
    pairs = gauge.Pairs(f"{changed >> 20} MiB of random 4 KiB blocks changed, of {size >> 20} MiB")
    image = options.place / "image.raw"
    options.image(image, size)
    for number in range(options.rounds):
        qemu(pairs, image, size, changed, number, options)
        ours(pairs, image, size, changed, number, options)
    image.unlink()
    pairs.tell([
        ("seconds", "switchback", "qemu", "at most 0.5"),
        ("wire_bytes_of_changed", "switchback", "qemu", "at most 1.05 for ours alone"),
    ])


def change(where, size, changed, number):
    """Writes so many bytes in blocks, none of them twice."""
    gauge.fio(where, rw="randwrite", bs=BLOCK, size=size, io_size=changed, iodepth=16, randseed=number + 1)


def ours(pairs, image, size, changed, number, options):
    with Estate(options.switchback, options.place / "delta", near=False, memory="4MiB", drain_every="20ms", compression=options.compression) as estate:
        image.rename(estate.disk)
        try:
            estate.begin("away", "home")
            estate.protect()
            estate.wait_until_protected()
            estate.wait_until_drained()
            estate.pause("away", True)
            change(estate.uri, size, changed, number)
            wire, since, instant = gauge.loopback_bytes(), time.monotonic(), now()
            estate.pause("away", False)
            gauge.wait_for("the change is at the target", lambda: is_in_order(estate), 300)
            took, wire = time.monotonic() - since, gauge.loopback_bytes() - wire
            pairs.add("switchback", seconds=took, wire_bytes_of_changed=wire / changed)
            estate.wait_for_point_after(instant)
        finally:
            estate.disk.rename(image)


def is_in_order(estate):
    """Nothing waits to be read, and nothing that was read is not at the target."""
    return estate.is_in_data_order() and estate.backlog_bytes() == 0


class Monitor:
    """QEMU's monitor, over its socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        gauge.wait_for("the monitor answers", lambda: self.connects(path), 20)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def connects(self, path):
        try:
            return self.socket.connect(str(path)) is None
        except OSError:
            return False

    def ask(self, execute, **arguments):
        self.socket.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{execute}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError("the monitor is gone")

    def wait_for_end(self, job):
        for line in self.lines:
            event = json.loads(line)
            if event.get("event") == "BLOCK_JOB_COMPLETED" and event["data"]["device"] == job:
                if "error" in event["data"]:
                    raise RuntimeError(f"the job fails: {event['data']['error']}")
                return


def qemu(pairs, image, size, changed, number, options):
    port, target, place = gauge.free_port(), options.place / "target.raw", options.place
    with open(target, "wb") as file:
        file.truncate(size)
    sockets = {name: place / f"{name}.sock" for name in ("monitor", "export")}
    for path in sockets.values():
        path.unlink(missing_ok=True)
    nbdkit = subprocess.Popen(["nbdkit", "--foreground", "--exit-with-parent", f"--port={port}", "--ipaddr=127.0.0.1", "file", f"file={target}"])
    daemon = subprocess.Popen([
        "qemu-storage-daemon",
        "--blockdev", f"driver=file,node-name=file,filename={image}",
        "--blockdev", "driver=raw,node-name=disk,file=file",
        "--chardev", f"socket,id=monitor,path={sockets['monitor']},server=on,wait=off",
        "--monitor", "chardev=monitor",
        "--nbd-server", f"addr.type=unix,addr.path={sockets['export']}",
        "--export", "type=nbd,id=export,node-name=disk,name=disk-0,writable=on"])
    try:
        gauge.wait_for("nbdkit listens", lambda: gauge.is_listening(port), 20)
        monitor = Monitor(sockets["monitor"])
        monitor.ask("block-dirty-bitmap-add", node="disk", name="changes", granularity=BLOCK)
        change(f"nbd+unix:///disk-0?socket={sockets['export']}", size, changed, number)
        monitor.ask("blockdev-add", driver="raw", **{"node-name": "target"}, file={
            "driver": "nbd", "server": {"type": "inet", "host": "127.0.0.1", "port": str(port)}, "export": ""})
        wire, since = gauge.loopback_bytes(), time.monotonic()
        monitor.ask("blockdev-backup", **{"job-id": "backup"}, device="disk", target="target", sync="incremental", bitmap="changes")
        monitor.wait_for_end("backup")
        pairs.add("qemu", seconds=time.monotonic() - since, wire_bytes_of_changed=(gauge.loopback_bytes() - wire) / changed)
    finally:
        for process in (daemon, nbdkit):
            process.kill()
            process.wait()
        target.unlink()
