#!/usr/bin/env python3
"""Rules and disciplines against exact optima and LIBLINEAR, on the real sets of SOUNDER_DATA.

usage: bench/algorithms.py PROGRAM [digits] [gap] [l1] [disciplines] [reproducible]   (PROGRAM: build/release/sounder)

  digits        epochs of svrg, saga and sgd to within 0.01 % of the logistic optimum, at most 60, gradient passes counted
  gap           passes of sdca over the non-zeros to a relative duality gap of 1e-4, at most 40: samples rest meanwhile
  l1            objective and non-zero weights against liblinear-train -s 6 (package liblinear-tools)
  disciplines   objective of every discipline after 30 epochs, against atomic's
  reproducible  one model file for any number of threads

Each prints a table; exit status 1 when a row misses what is asked of it.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with imdb/, news20/, reuters21578/, a9a/")
SETS = {  # file, options, logistic optima at l2 = 1e-4 and 1e-5 (no bias)
    "imdb": ("imdb/imdb-unigram.train.svm.zst", [], (0.421837, 0.223889)),
    "news20": ("news20/news20.bz2", ["--positive-above", "10.5", "--normalize"], (0.287274, 0.120705)),
    "reuters": ("reuters21578/reuters21578-modapte.train.svm.zst", [], (0.196164, 0.071692)),
    "a9a": ("a9a/a9a", [], (0.324507, 0.322933)),
}
ROWS = {"imdb": 25000, "news20": 15935, "reuters": 9603, "a9a": 32561}
DISCIPLINES = ["atomic", "lock_free", "racy", "locked", "ordered", "exclusive", "reproducible"]
# Adds are lost under racy, and sums that must match what samples remember no longer do.
EXACT = [d for d in DISCIPLINES if d != "racy"]


class Table:
    def __init__(self, *columns):
        self.missed = False
        self.print(*columns)

    def print(self, *cells):
        print("  ".join(f"{c:<13}" if isinstance(c, str) else f"{c:>10.6g}" for c in cells), flush=True)

    def row(self, ok, *cells):
        self.missed |= not ok
        self.print(*cells, "ok" if ok else "MISS")


def train(program, name, *options, model=None):
    path, flags, _ = SETS[name]
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        command = [program, "train", os.path.join(DATA, path), *flags, *map(str, options), "--quiet", "--report", report]
        if model:
            command += ["--model", model]
        subprocess.run(command, check=True)
        with open(report) as file:
            return json.load(file)


def digits(program):
    table = Table("data", "l2", "rule", "discipline", "threads", "epochs", "gap %")
    for name, (_, _, optima) in SETS.items():
        for l2, optimum in zip((1e-4, 1e-5), optima):
            runs = [("sgd", "atomic", 1)] + [(r, d, t) for r in ("svrg", "saga") for d in EXACT for t in (1, 2)]
            for rule, discipline, threads in runs:
                run = train(program, name, "--objective", "logistic", "--l2", l2, "--rule", rule, "--discipline", discipline,
                            "--threads", threads, "--epochs", 60, "--target", optimum * 1.0001)
                gap = 100 * (run["objective"] / optimum - 1)
                table.row(gap <= 0.0101 or rule == "sgd", name, l2, rule, discipline, threads, run["epochs"], gap)
    return table.missed


def gap(program):
    table = Table("data", "l2", "objective", "threads", "epochs", "passes", "gap", "seconds")
    for name in SETS:
        for l2 in (1e-4, 1 / ROWS[name], 1e-5):
            for objective in ("hinge", "logistic"):
                for threads in (1, 2):
                    run = train(program, name, "--objective", objective, "--l2", l2, "--rule", "sdca", "--threads", threads,
                                "--epochs", 100, "--gap", 1e-4)
                    table.row(run["passes"] <= 40 and run["gap"] <= 1e-4, name, l2, objective, threads, run["epochs"],
                              run["passes"], run["gap"], run["train_seconds"])
    return table.missed


def l1(program):
    table = Table("data", "l1", "rule", "threads", "objective", "liblinear", "gap %", "non-zeros", "liblinear")
    with tempfile.TemporaryDirectory() as folder:
        for name, strength in (("imdb", 1e-4), ("imdb", 2e-5), ("news20", 1e-4), ("news20", 2e-5), ("reuters", 1e-4),
                               ("reuters", 2e-5), ("a9a", 1e-3)):
            theirs, theirs_nonzeros = liblinear_l1(folder, name, strength)
            for rule, epochs in (("svrg", 300), ("saga", 300), ("ftrl", 100)):
                for threads in (1, 2):
                    model = os.path.join(folder, "model")
                    run = train(program, name, "--objective", "logistic", "--l2", 0, "--l1", strength, "--rule", rule,
                                "--threads", threads, "--epochs", epochs, model=model)
                    nonzeros = json.loads(subprocess.run([program, "info", model, "--json", "-"], check=True,
                                                         capture_output=True).stdout)["nonzero_weights"]
                    gap_percent = 100 * (run["objective"] / theirs - 1)
                    ok = abs(gap_percent) <= 0.1 and abs(nonzeros / theirs_nonzeros - 1) <= 0.02
                    table.row(ok or rule == "ftrl", name, strength, rule, threads, run["objective"], theirs, gap_percent,
                              nonzeros, theirs_nonzeros)
    return table.missed


def rows_of(name):
    """Labels of -1 and 1, and rows of length 1 where the set is normalised."""
    path = os.path.join(DATA, SETS[name][0])
    tool = {".zst": ["zstd", "-dcq"], ".bz2": ["bzip2", "-dc"]}.get(os.path.splitext(path)[1], ["cat"])
    text = subprocess.run([*tool, path], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        label, *entries = line.split()
        entries = [(int(i), float(v)) for i, v in (e.split(":") for e in entries)]
        if name == "news20":
            label = 1 if float(label) > 10.5 else -1
            norm = sum(v * v for _, v in entries) ** 0.5
            entries = [(i, v / norm) for i, v in entries]
        yield 1 if float(label) > 0 else -1, entries


def liblinear_l1(folder, name, strength):
    """Objective and non-zeros of LIBLINEAR's model, both worked out here."""
    from math import exp, log1p
    data, model = os.path.join(folder, "data.svm"), os.path.join(folder, "model.ll")
    rows = list(rows_of(name))
    with open(data, "w") as file:
        for label, entries in rows:
            file.write(f"{label:+d} " + " ".join(f"{i}:{v:.9g}" for i, v in entries) + "\n")
    subprocess.run(["liblinear-train", "-q", "-s", "6", "-e", "1e-5", "-c", f"{1 / (strength * len(rows)):.17g}", data, model],
                   check=True)
    with open(model) as file:
        lines = file.read().split("\n")
    first = lines.index("w") + 1
    weights = [0.0] + [float(w) for w in lines[first:] if w]
    sign = 1 if lines[2].split()[1] == "1" else -1  # LIBLINEAR's weights are for the label it met first
    loss = 0.0
    for label, entries in rows:
        margin = label * sign * sum(weights[i] * v for i, v in entries if i < len(weights))
        loss += log1p(exp(-abs(margin))) + max(0.0, -margin)
    return loss / len(rows) + strength * sum(map(abs, weights)), sum(w != 0 for w in weights)


def disciplines(program):
    table = Table("data", "objective", "discipline", "threads", "objective", "to atomic %", "M nnz/s")
    for name in SETS:
        for objective in ("hinge", "logistic"):
            atomic = None
            for discipline in DISCIPLINES:
                run = train(program, name, "--objective", objective, "--l2", 1e-4, "--discipline", discipline, "--threads", 2)
                atomic = atomic or run["objective"]
                gap_percent = 100 * (run["objective"] / atomic - 1)
                table.row(abs(gap_percent) <= 1, name, objective, discipline, 2, run["objective"], gap_percent,
                          run["nonzeros_per_second"] / 1e6)
    return table.missed


def reproducible(program):
    table = Table("data", "objective", "rule", "models")
    threads = [1, 2, 3, 4, 8] + [2] * 10
    runs = [(o, "sgd") for o in ("hinge", "squared_hinge", "logistic", "least_squares", "huber")]
    runs += [("logistic", r) for r in ("svrg", "saga", "sdca", "adagrad", "ftrl")]
    for objective, rule in runs:
        models = set()
        with tempfile.TemporaryDirectory() as folder:
            model = os.path.join(folder, "model")
            for t in threads:
                train(program, "imdb", "--objective", objective, "--rule", rule, "--discipline", "reproducible", "--threads", t,
                      "--epochs", 6, model=model)
                with open(model, "rb") as file:
                    models.add(hashlib.sha256(file.read()).hexdigest())
        table.row(len(models) == 1, "imdb", objective, rule, len(models))
    return table.missed


def main():
    program, *sections = sys.argv[1:] or sys.exit(__doc__)
    known = {f.__name__: f for f in (digits, gap, l1, disciplines, reproducible)}
    missed = False
    for section in sections or known:
        if section not in known:
            sys.exit(f"{section}: must be one of {', '.join(known)}")
        missed |= known[section](program)
        print()
    sys.exit(missed)


if __name__ == "__main__":
    main()
