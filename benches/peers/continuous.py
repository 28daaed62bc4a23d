"""Continuous protection under random writes: what the source loses by being captured."""

import shutil
import time

import gauge
from estate import Estate, now

POINTS_EVERY = 5


def compare(options):
    """Two machines behind the same server: one is protected, the other is not. They write in turns, never at once."""
    pairs = gauge.Pairs(f"continuous protection: 4 KiB random writes for {options.seconds} s at a time, {options.disk_mib} MiB of disk")
    with Estate(options.switchback, options.place / "plain") as plain, Estate(options.switchback, options.place / "kept", compression=options.compression) as kept:
        for estate in (plain, kept):
            options.image(estate.disk, options.disk_mib << 20)
            estate.begin("away", "home")
        kept.protect(f"{POINTS_EVERY}s")
        kept.wait_until_protected()
        for round in range(options.rounds):
            for depth in options.depths:
                for who, estate in (("plain", plain), ("protected", kept)):
                    kept.wait_until_drained()
                    time.sleep(options.rest)
                    measured(pairs, who, estate, kept, depth, options)
        kept.wait_until_drained()
        ended = now()
        kept.wait_for_point_after(ended - POINTS_EVERY)
        instants = kept.points()
    tell(pairs, instants, options)


def measured(pairs, who, estate, kept, depth, options):
    cpu, since = estate.cpu(), now()
    job = gauge.fio(estate.uri, rw="randwrite", bs="4k", size=f"{options.disk_mib}m", iodepth=depth, time_based=1, runtime=options.seconds,
                    randseed=len(pairs.figures.get(f"writes_a_second,_depth_{depth}", {}).get(who, [])) + 1, **options.load)[0]["write"]
    took = now() - since
    pairs.add(who, **{f"writes_a_second,_depth_{depth}": job["iops"], f"us_a_write,_depth_{depth}": job["clat_ns"]["mean"] / 1000,
                      f"us_at_p99,_depth_{depth}": job["clat_ns"]["percentile"]["99.000000"] / 1000,
                      f"CPU_of_the_nodes,_depth_{depth}": (estate.cpu() - cpu) / took})
    if who == "protected":
        pairs.add(who, **{f"backlog_in_MB,_depth_{depth}": kept.backlog_bytes() / 1e6})


def tell(pairs, instants, options):
    ratios = []
    for depth, wanted in zip(options.depths, ("0.90, better 0.95", "0.80, better 0.90")):
        ratios.append((f"writes_a_second,_depth_{depth}", "protected", "plain", f"at least {wanted}"))
    pairs.tell(ratios)
    for depth in options.depths:
        what = f"us_a_write,_depth_{depth}"
        print(f"  added to a write at depth {depth}: {pairs.median(what, 'protected') - pairs.median(what, 'plain'):.1f} us; wanted: at most 10")
    gaps = [later - earlier for earlier, later in zip(instants, instants[1:])]
    late = sum(gap > 1.5 * POINTS_EVERY for gap in gaps)
    print(f"  {len(instants)} recovery points, {POINTS_EVERY} s apart; {late} gaps are longer than half as much again; the longest is {max(gaps, default=0):.1f} s")
