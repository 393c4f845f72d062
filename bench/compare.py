#!/usr/bin/python3
"""Time to within 1 % and 0.1 % of the optimum: sounder against LIBLINEAR, scikit-learn and svmsgd.

usage: bench/compare.py PROGRAM [--svmsgd PATH]... [--rounds 5] [--json build/compare.json]
       (PROGRAM: build/release/sounder; Debian's liblinear-tools and python3-sklearn, gcc, and SOUNDER_DATA)

Hinge and logistic loss on imdb and on news20 in two classes, l2 = 1/n, no bias. All read one and the same LIBSVM text:
lines in random order, labels -1 and 1, rows of news20 scaled to length 1. Everyone is granted the least effort that
suffices, found beforehand: the fewest epochs of a list, which ours then evaluate once, or the loosest tolerance -e. Then
everyone in turn, round after round, as a process of its own, by `chrt -f 30` where that is allowed; medians. The gap is that of the timed runs; one marked * missed by its median.

  load    reading the text; scikit-learn without its imports
  train   ours: prepare, search and train; LIBLINEAR's train(), timed at its border by a library that is preloaded;
          scikit-learn's fit(); svmsgd's own clock, its search for eta0 included
  updates what of it is stepping, ours only
  whole   the process, model written (svmsgd writes none, and evaluates every epoch)

Ratios say how many times as fast: training against the best peer's, the whole against the faster liblinear-train's.
svmsgd (https://leon.bottou.org/projects/sgd) has its loss compiled in (-DLOSS=HingeLoss or LogLoss, -DBIAS=0): one PATH
for each. HOGWILD! v03 tells neither objective nor weights, so bench/scaling_bench has a rendering of it instead.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache, partial

import numpy
from sklearn.datasets import load_svmlight_file

from algorithms import rows_of

# liblinear-train -e 1e-8; sounder's sdca with --gap 1e-7 is at most 1e-7 of it above.
OPTIMA = {("imdb", "hinge"): 0.21191459, ("imdb", "logistic"): 0.33802925,
          ("news20", "hinge"): 0.11657965, ("news20", "logistic"): 0.24703410}
TARGETS = (0.01, 0.001)
EPOCHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 20, 30, 40, 50, 60, 80, 120, 160)
TOLERANCES = [m * 10.0**-k for k in range(-2, 5) for m in (1, 0.5, 0.3, 0.2)]

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
static double start;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
__attribute__((constructor)) static void begin(void) { start = now(); }
void* train(const void* problem, const void* parameters) {
  void* (*real)(const void*, const void*) = (void* (*)(const void*, const void*))dlsym(RTLD_NEXT, "train");
  double loaded = now();
  void* model = real(problem, parameters);
  fprintf(stderr, "%.9f %.9f", loaded - start, now() - loaded);
  return model;
}
"""

SKLEARN = """
import sys, time
import numpy
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import SGDClassifier
path, loss, l2, epochs, weights = sys.argv[1:]
model = SGDClassifier(loss=loss, alpha=float(l2), fit_intercept=False, max_iter=int(epochs), tol=None, random_state=1)
start = time.monotonic()
x, y = load_svmlight_file(path)
loaded = time.monotonic()
model.fit(x, y)
print(loaded - start, time.monotonic() - loaded)
numpy.save(weights, model.coef_[0])
"""


class Problem:
    def __init__(self, folder, name, loss):
        self.name, self.loss, self.folder = name, loss, folder
        self.path = text_file(folder, name)
        self.optimum = OPTIMA[name, loss]
        self.x, self.y = load_svmlight_file(self.path)
        self.l2 = 1 / len(self.y)

    def gap(self, weights):
        margin = self.y * (self.x[:, :len(weights)] @ weights)
        losses = numpy.maximum(0, 1 - margin) if self.loss == "hinge" else numpy.logaddexp(0, -margin)
        return (losses.mean() + self.l2 / 2 * weights @ weights) / self.optimum - 1

    def file(self, name):
        return os.path.join(self.folder, name)


def text_file(folder, name):
    return os.path.join(folder, f"{name}.txt")  # svmsgd insists on the suffix


def write(folder, name):
    """The rows in random order: svmsgd takes them as they come."""
    rows = list(rows_of(name))
    random.Random(1).shuffle(rows)
    with open(text_file(folder, name), "w") as file:
        for label, entries in rows:
            file.write(f"{label:+d} " + " ".join(f"{i}:{v:.9g}" for i, v in entries) + "\n")


@cache
def real_time():
    command = ["chrt", "-f", "30"]
    try:
        return command if subprocess.run([*command, "true"], capture_output=True).returncode == 0 else []
    except FileNotFoundError:
        return []


def timed(*command, **options):
    """Wall seconds, and what was printed."""
    begin = time.monotonic()
    run = subprocess.run([*real_time(), *map(str, command)], check=True, capture_output=True, text=True, **options)
    return time.monotonic() - begin, run


# Each contestant: run(problem, budget) gives the seconds and the gap; budgets in order of effort.

def sounder(program, threads, rule, problem, budget):
    report = problem.file("report.json")
    whole, _ = timed(program, "train", problem.path, "--objective", problem.loss, "--l2", problem.l2, "--rule", rule,
                     "--epochs", budget, "--evaluate-every", budget, "--threads", threads, "--quiet", "--model", problem.file("model"), "--report", report)
    with open(report) as file:
        run = json.load(file)
    train = run["prepare_seconds"] + run["search_seconds"] + run["train_seconds"]
    return {"load": run["load_seconds"], "train": train, "updates": run["train_seconds"], "whole": whole,
            "gap": run["objective"] / problem.optimum - 1, "epochs": run["epochs"]}


def liblinear(solver, problem, budget):
    model = problem.file("model.ll")
    whole, run = timed("liblinear-train", "-q", "-s", solver, "-e", budget, "-c", 1, problem.path, model,
                       env={**os.environ, "LD_PRELOAD": problem.file("shim.so")})
    load, train = map(float, run.stderr.split())
    with open(model) as file:
        head, weights = file.read().split("\nw\n")
    sign = 1 if "label 1 -1" in head else -1  # the weights are for the label it met first
    return {"load": load, "train": train, "whole": whole, "gap": problem.gap(sign * numpy.array(weights.split(), float))}


def scikit_learn(problem, budget):
    weights = problem.file("weights.npy")
    loss = {"hinge": "hinge", "logistic": "log_loss"}[problem.loss]
    whole, run = timed(sys.executable, "-c", SKLEARN, problem.path, loss, problem.l2, budget, weights)
    load, train = map(float, run.stdout.split())
    return {"load": load, "train": train, "whole": whole, "gap": problem.gap(numpy.load(weights))}


def svmsgd(program, problem, budget):
    begin = time.monotonic()
    command = [*real_time(), program, "-lambda", f"{problem.l2:.9g}", "-epochs", str(budget), "-dontnormalize", problem.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.startswith("# Number of features"):
                load = time.monotonic() - begin
            elif line.startswith("Total training time"):
                train = float(line.split()[3])
            elif "Cost=" in line:
                cost = float(line.split("Cost=")[1].split()[0])
    return {"load": load, "train": train, "whole": time.monotonic() - begin, "gap": cost / problem.optimum - 1}


def svmsgd_loss(program):
    """The loss that it is compiled with, which it says before it looks for its file."""
    banner = subprocess.run([program, "none.txt"], capture_output=True, text=True).stdout
    if "-DBIAS=0" not in banner:
        sys.exit(f"{program}: is not compiled with -DBIAS=0")
    return "hinge" if "-DLOSS=HingeLoss" in banner else "logistic"


def contestants(arguments, loss):
    everyone = {}
    for rule in ("sgd", "sdca"):
        for threads in (1, 2):
            everyone[f"sounder {rule} --threads {threads}"] = partial(sounder, arguments.program, threads, rule), EPOCHS
    for solver in {"hinge": (3,), "logistic": (7, 0)}[loss]:
        everyone[f"liblinear-train -s {solver}"] = partial(liblinear, solver), TOLERANCES
    everyone["scikit-learn SGDClassifier"] = scikit_learn, EPOCHS
    for path in arguments.svmsgd:
        if svmsgd_loss(path) == loss:
            everyone["svmsgd"] = partial(svmsgd, path), EPOCHS
    return everyone


def least_effort(run, budgets, problem):
    """For each target the first budget that reaches it."""
    enough = {}
    for budget in budgets:
        gap = run(problem, budget)["gap"]
        for target in TARGETS:
            if gap <= target:
                enough.setdefault(target, budget)
        if len(enough) == len(TARGETS):
            break
    return enough


def measure(arguments, problem):
    everyone = contestants(arguments, problem.loss)
    efforts = {who: least_effort(*entry, problem) for who, entry in everyone.items()}
    rounds = {(target, who): [] for target in TARGETS for who in everyone}
    for _ in range(arguments.rounds):
        for (target, who), runs in rounds.items():
            if target in efforts[who]:
                runs.append(everyone[who][0](problem, efforts[who][target]))
    return [{"data": problem.name, "loss": problem.loss, "target": target, "who": who, "budget": efforts[who].get(target),
             "rounds": runs, **{key: statistics.median(run[key] for run in runs) for key in (runs[0] if runs else ())}}
            for (target, who), runs in rounds.items()]


def best(rows, key, *names):
    return min((row[key] for row in rows if row["who"].startswith(names) and row["rounds"]), default=float("nan"))


def show(problem, target, rows):
    peers = "liblinear", "scikit", "svmsgd"
    train, whole = best(rows, "train", *peers), best(rows, "whole", "liblinear")
    print(f"\n{problem.name}, {problem.loss}, within {100 * target:g} % of {problem.optimum:.6f}")
    print(f"  {'':<27}{'effort':>9}{'load':>8}{'train':>8}{'updates':>9}{'whole':>8}{'gap %':>8}  train x  whole x")
    for row in rows:
        if not row["rounds"]:
            print(f"  {row['who']:<27}{'not reached':>18}")
            continue
        effort = f"-e {row['budget']:g}" if "liblinear" in row["who"] else f"{row.get('epochs', row['budget']):g} ep."
        updates = f"{row['updates']:.3f}" if "updates" in row else ""
        missed = "*" if row["gap"] > target else " "
        print(f"  {row['who']:<27}{effort:>9}{row['load']:>8.3f}{row['train']:>8.3f}{updates:>9}{row['whole']:>8.3f}"
              f"{100 * row['gap']:>8.3f}{missed} {train / row['train']:>7.2f}  {whole / row['whole']:>7.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("program")
    parser.add_argument("--svmsgd", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=argparse.FileType("w"), default="build/compare.json")
    arguments = parser.parse_args()
    results = []
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[1]:.1f}, medians of {arguments.rounds},",
          "real-time priority" if real_time() else "ordinary priority")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", os.path.join(folder, "shim.so"), "-ldl"],
                       input=SHIM, text=True, check=True)
        for name in sorted({name for name, _ in OPTIMA}):
            write(folder, name)
        for name, loss in OPTIMA:
            problem = Problem(folder, name, loss)
            rows = measure(arguments, problem)
            results += rows
            for target in TARGETS:
                show(problem, target, [row for row in rows if row["target"] == target])
    print(f"\nload average at the end {os.getloadavg()[1]:.1f}")
    json.dump(results, arguments.json, indent=1)


if __name__ == "__main__":
    main()
