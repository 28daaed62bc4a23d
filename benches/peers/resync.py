"""The same change where nobody knows what has changed: both sides are read, and compared by hash."""

import subprocess
import time

import delta
import gauge
from estate import Estate, now

DAEMON = """use chroot = false
[images]
path = {place}
read only = false
uid = {user}
"""


def compare(options):
    """An agent that was killed knows nothing of what was written; rsync never does."""
    size = options.bytes(8)
    changed = size // 100 // delta.BLOCK * delta.BLOCK
    pairs = gauge.Pairs(f"{changed >> 20} MiB of random 4 KiB blocks changed unseen, of {size >> 20} MiB")
    image, replica = options.place / "image.raw", options.place / "images" / "replica.raw"
    replica.parent.mkdir()
    options.image(image, size)
    for number in range(options.rounds):
        subprocess.run(["cp", "--sparse=always", str(image), str(replica)], check=True)
        delta.change(image, size, changed, 100 + number)
        rsync(pairs, image, replica, options)
        replica.unlink()
        ours(pairs, image, size, changed, number, options)
    image.unlink()
    pairs.tell([("seconds", "switchback", "rsync", "at most 0.6"), ("CPU_seconds", "switchback", "rsync", "nothing is said")])


def rsync(pairs, image, replica, options):
    port, config = gauge.free_port(), options.place / "rsyncd.conf"
    config.write_text(DAEMON.format(place=replica.parent, user="root"))
    daemon = subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={config}", "--address=127.0.0.1", f"--port={port}"])
    try:
        gauge.wait_for("rsync listens", lambda: gauge.is_listening(port), 20)
        wire = gauge.loopback_bytes()
        took, cpu = gauge.run("rsync", "--no-whole-file", "--inplace", "--fsync", "-B", str(delta.BLOCK), "--ignore-times", image, f"rsync://127.0.0.1:{port}/images/replica.raw")
        time.sleep(0.2)
        pairs.add("rsync", seconds=took, CPU_seconds=cpu + gauge.cpu(daemon.pid), wire_MB=(gauge.loopback_bytes() - wire) / 1e6)
    finally:
        daemon.kill()
        daemon.wait()


def ours(pairs, image, size, changed, number, options):
    with Estate(options.switchback, options.place / "resync", drain_every="20ms", compression=options.compression) as estate:
        image.rename(estate.disk)
        try:
            estate.begin("away", "home")
            estate.protect()
            estate.wait_until_protected()
            estate.wait_until_drained()
            estate.end("home")
            delta.change(estate.disk, size, changed, number)
            instant, wire = now(), gauge.loopback_bytes()
            cpu, since = gauge.cpu(estate.nodes["away"].pid), time.monotonic()
            estate.begin("home")
            estate.wait_for_point_after(instant)
            took = time.monotonic() - since
            pairs.add("switchback", seconds=took, CPU_seconds=estate.cpu() - cpu, wire_MB=(gauge.loopback_bytes() - wire) / 1e6)
        finally:
            estate.disk.rename(image)
