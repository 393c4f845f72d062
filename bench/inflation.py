#!/usr/bin/env python3
"""Predicted against measured inflation of iterations, on real data.

    SOUNDER_DATA=... bench/inflation.py build/release/sounder

A sample at a time: what `sounder inspect` predicts for P workers (raw, and weighted by gradients) beside the epochs to the
target of P simulated workers, over those of one; and of two real threads. `sounder speedup` says what the target is.
"""
import json
import os
import subprocess
import sys
import tempfile

DATA = os.environ["SOUNDER_DATA"]
LINEAR = ["--objective", "logistic", "--l2", "1e-4"]
SETS = {
    "imdb": [f"{DATA}/imdb/imdb-unigram.train.svm.zst", *LINEAR],
    "news20": [f"{DATA}/news20/news20.bz2", *LINEAR, "--positive-above", "10", "--normalize"],
    "reuters": [f"{DATA}/reuters21578/reuters21578-modapte.train.svm.zst", *LINEAR],
    "movielens": [f"{DATA}/movielens-100k/u.data", "--objective", "matrix_completion"],
}
WORKERS = [1, 2, 4, 16, 64, 256, 1024]


def run(program, command, arguments, output):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/out.json"
        subprocess.run([program, command, *arguments, output, path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def shown(value):
    return "-" if value is None else f"{value:.2f}"


def main(program, names):
    print(f"{'data':<10}{'workers':>8}{'raw':>10}{'weighted':>10}{'simulated':>10}{'2 threads':>10}")
    for name in names or SETS:
        predicted = {row["workers"]: row for row in run(program, "inspect", SETS[name], "--json")["inflation"]}
        study = run(program, "speedup", [*SETS[name], "--disciplines", "atomic:1", "--threads", "1,2", "--repeat", "3",
                                         "--epochs", "30", "--simulate", ",".join(map(str, WORKERS))], "--report")
        epochs = {(run["simulated"], run.get("workers", run.get("threads"))): run.get("epochs_to_target")
                  for run in study["measured"] + study["simulated"] if run.get("block_rows") == 1}
        alone = epochs.get((True, 1))
        threads = epochs.get((False, 2))
        for workers in WORKERS:
            simulated = epochs.get((True, workers))
            row = predicted[workers]
            print(f"{name:<10}{workers:>8}{row['raw']:>10.4g}{shown(row.get('weighted')):>10}"
                  f"{shown(simulated / alone if simulated and alone else None):>10}"
                  f"{shown(threads / alone if workers == 2 and threads and alone else None):>10}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
