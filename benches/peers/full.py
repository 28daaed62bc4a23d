"""The first copy of an image to another place, over TCP, durable at the end."""

import subprocess
import time

import gauge
from estate import Estate


def compare(options):
    """Raw and compressed beside `qemu-img convert` to a qemu-nbd that goes around the page cache, its fastest way."""
    size = options.bytes(8)
    pairs = gauge.Pairs(f"first copy of {size >> 20} MiB")
    source = options.place / "source.raw"
    options.image(source, size)
    data_bytes = source.stat().st_blocks * 512
    print(f"\n{size >> 20} MiB of image, of which {data_bytes >> 20} MiB are no holes")
    for _ in range(options.rounds):
        qemu(pairs, source, size, options)
        for who, compression in (("raw", "none"), ("LZ4", "lz4")):
            ours(pairs, who, compression, source, size, data_bytes, options)
    source.unlink()
    pairs.tell([
        ("MB_a_second", "raw", "qemu-img", "at least 1.0"),
        ("CPU_seconds", "raw", "qemu-img", "at most 1.0"),
        ("MB_a_second", "LZ4", "raw", "at least 0.7"),
        ("MB_a_second", "LZ4", "qemu-img", "nothing is said"),
    ])


def qemu(pairs, source, size, options):
    port, target = gauge.free_port(), options.place / "target.raw"
    with open(target, "wb") as file:
        file.truncate(size)
    server = subprocess.Popen(["qemu-nbd", "-f", "raw", "--cache=none", "--bind=127.0.0.1", f"--port={port}", "--shared=16", "--persistent", "--discard=unmap", str(target)])
    try:
        gauge.wait_for("qemu-nbd listens", lambda: gauge.is_listening(port), 20)
        took, cpu = gauge.run("qemu-img", "convert", "-n", "-W", "-m", "16", "-f", "raw", "-O", "raw", "-t", "none", source, f"nbd://127.0.0.1:{port}")
        pairs.add("qemu-img", MB_a_second=size / took / 1e6, CPU_seconds=cpu + gauge.cpu(server.pid))
    finally:
        server.kill()
        server.wait()
        target.unlink()


def ours(pairs, who, compression, source, size, data_bytes, options):
    """From the order to protect until there is a recovery point: everything is durable at the target then."""
    with Estate(options.switchback, options.place / "full", compression=compression) as estate:
        source.rename(estate.disk)
        try:
            estate.begin("away", "home")
            cpu, wire, since = estate.cpu(), gauge.loopback_bytes(), time.monotonic()
            estate.protect()
            estate.wait_until_protected()
            took = time.monotonic() - since
            pairs.add(who, MB_a_second=size / took / 1e6, CPU_seconds=estate.cpu() - cpu,
                      wire_bytes_of_data_bytes=(gauge.loopback_bytes() - wire) / data_bytes)
        finally:
            estate.disk.rename(source)
