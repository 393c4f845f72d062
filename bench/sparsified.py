#!/usr/bin/env python3
"""Dense problems made sparse: what pushing only a part of each change costs and brings, on the digits of SOUNDER_DATA.

usage: bench/sparsified.py PROGRAM [--rounds N] [--out NAME]   (PROGRAM: build/release/sounder)

  network   256 hidden units, ten classes, 3 epochs
  linear    logistic loss, digits above 4 against the others, l2 = 1e-5, blocks of 64 rows, 20 epochs

For each share kept, each way to choose it and one and two threads: the share that was pushed, seconds of updates (median of N
rounds, in turn; default 3), the objective of the last round and the accuracy on the test digits. With --out also NAME.csv
and NAME.svg, which draws them.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with mnist/")
KEEP = [1, 0.5, 0.2, 0.1, 0.05, 0.01]
MASKS = ["top_k", "random_k"]
THREADS = [1, 2]
PROBLEMS = {"network": ["--objective", "network", "--epochs", 3],
            "linear": ["--objective", "logistic", "--positive-above", 4.5, "--bias", "--l2", 1e-5, "--block", 64,
                       "--epochs", 20]}
COLUMNS = ["problem", "mask", "threads", "keep", "pushed", "seconds", "objective", "accuracy"]
COLOURS = {"top_k": "#0072b2", "random_k": "#d55e00"}


def digits(part, labels):
    images, numbers = (os.path.join(DATA, f"mnist/{part}-{kind}-ubyte.zst") for kind in ("images-idx3", "labels-idx1"))
    return [images, labels, numbers]


def train(program, folder, options):
    report = os.path.join(folder, "report")
    command = [program, "train", *digits("train", "--labels"), "--valid", *digits("t10k", "--valid-labels"), *options,
               "--report", report, "--quiet"]
    subprocess.run(list(map(str, command)), check=True)
    with open(report) as file:
        return json.load(file)


def cases():
    """All of what is measured; `keep` of None: without a mask."""
    for problem in PROBLEMS:
        for threads in THREADS:
            yield problem, "none", threads, None
            yield from ((problem, mask, threads, keep) for mask in MASKS for keep in KEEP)


def options_of(problem, mask, threads, keep):
    masked = [] if keep is None else ["--sparsify", mask, "--keep", keep]
    return [*PROBLEMS[problem], "--threads", threads, *masked]


def measure(program, rounds):
    reports = {case: [] for case in cases()}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for case, runs in reports.items():
                runs.append(train(program, folder, options_of(*case)))
    for (problem, mask, threads, keep), runs in reports.items():
        last = runs[-1]["per_epoch"][-1]
        yield dict(zip(COLUMNS, [problem, mask, threads, keep or 1, runs[-1].get("share_pushed", 1),
                                 statistics.median(run["train_seconds"] for run in runs), last["objective"],
                                 100 * last["validation"]["accuracy"]]))


def table(rows):
    print("problem  mask      threads  keep   pushed  seconds  objective  test accuracy")
    for row in rows:
        print("{problem:<8} {mask:<9} {threads:>7}  {keep:<5g} {pushed:7.3f} {seconds:8.3f}  {objective:9.6f}  "
              "{accuracy:6.2f} %".format(**row))


# --- The picture: a panel for each problem and figure, over the share pushed

WIDTH, HEIGHT, MARGIN = 420, 240, 60


def panel(rows, problem, figure, left, top):
    chosen = [row for row in rows if row["problem"] == problem]
    values = [row[figure] for row in chosen]
    low, high = min(values), max(values)
    least = math.log(min(row["pushed"] for row in chosen))

    def x(share):
        return left + WIDTH * (1 - math.log(share) / least)

    def y(value):
        return top + HEIGHT * (1 - (value - low) / ((high - low) or 1))

    parts = [f'<text x="{left}" y="{top - 12}">{problem}: {figure} over the share pushed</text>',
             f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>']
    parts += [f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.4g}</text>' for v in (low, high)]
    parts += [f'<text x="{x(k):.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{k:g}</text>'
              for k in KEEP if math.log(k) >= least]
    for mask, colour in COLOURS.items():
        for threads in THREADS:
            points = " ".join(f"{x(row['pushed']):.1f},{y(row[figure]):.1f}" for row in chosen
                              if (row["mask"], row["threads"]) == (mask, threads))
            dash = ' stroke-dasharray="6 4"' if threads == 1 else ""
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
    return parts


def svg(rows):
    figures = ["seconds", "objective", "accuracy"]
    across, down = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{across * len(PROBLEMS)}" height="{down * len(figures) + 30}" '
             'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="#fff"/>']
    legend = ", ".join(f'<tspan fill="{colour}">{mask}</tspan>' for mask, colour in COLOURS.items())
    parts.append(f'<text x="{MARGIN}" y="24">{legend}; dashed: one thread, solid: two</text>')
    for column, problem in enumerate(PROBLEMS):
        for line, figure in enumerate(figures):
            parts += panel(rows, problem, figure, MARGIN + column * across, 30 + MARGIN + line * down)
    return "\n".join([*parts, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    rows = list(measure(arguments.program, arguments.rounds))
    table(rows)
    if arguments.out is None:
        return
    with open(arguments.out + ".csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with open(arguments.out + ".svg", "w") as file:
        file.write(svg(rows))


if __name__ == "__main__":
    main()
