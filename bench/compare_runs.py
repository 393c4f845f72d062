#!/usr/bin/env python3
"""Results of `./dev bench` against those of the last commit before that has some.

usage: bench/compare_runs.py RESULTS/COMMIT     (a folder of --benchmark_out files for every commit)

Prints the time of every benchmark, before and now, medians where it was repeated, and the ratio: below 1 is faster. One run
against another on a machine that others use says little below 15 %: --benchmark_repetitions=5 for both says more.
"""
import json
import pathlib
import subprocess
import sys


def times(folder):
    """Name: real time, and its unit."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        text = path.read_text()
        for row in json.loads(text)["benchmarks"] if text else ():  # empty where a filter left nothing
            single = row["repetitions"] == 1 or row.get("aggregate_name") == "median"
            if single and not row.get("error_occurred"):
                found[row["run_name"]] = row["real_time"], row["time_unit"]
    return found


def before(folder):
    """The folder of the newest commit among those it stands on."""
    log = ["git", "log", "--format=%h", folder.name.removesuffix("-dirty")]
    commits = subprocess.run(log, capture_output=True, text=True).stdout.split()
    others = (folder.parent / commit for commit in commits if commit != folder.name)
    return next((other for other in others if other.is_dir()), None)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
    other = before(folder)
    if other is None:
        print(f"{folder}: nothing to compare with yet")
        return
    now, then = times(folder), times(other)
    print(f"{'':<60}{other.name:>12}{folder.name:>18}   ratio")
    for name in sorted(now.keys() & then.keys()):
        (new, unit), (old, _) = now[name], then[name]
        print(f"{name:<60}{old:>12.4g}{new:>15.4g} {unit}{new / old:>8.2f}")


main()
