#!/usr/bin/env python3
"""Many classes: test accuracy on the real sets of SOUNDER_DATA, against LIBLINEAR's and against a floor.

usage: bench/classes.py PROGRAM [news20] [one_vs_rest] [mnist] [network]   (PROGRAM: build/release/sounder)

  news20    softmax, rows of length 1, 20 % held out at random: within 0.5 points of liblinear-train -s 0 (package
            liblinear-tools), both with their defaults, and each at the best of what is tried, as the held-out rows have it
  one_vs_rest   news20's training objective for each of the three losses, l2 = 1/n, 20 epochs on two threads: within 1 % of
            what liblinear-train -s 3, -s 0 and -s 2 reach, with the seconds of both programs, in turn, medians of five
  mnist     softmax on the test digits: 92 % at least
  network   256 hidden units on the test digits: 98 % at least

Each prints a table; exit status 1 when a row misses its floor.
"""
import bz2
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with news20/ and mnist/")
LIBLINEAR_C = [1, 4, 16, 64, 256]
SOUNDER_L2 = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8]
RULES = ["sgd", "adagrad"]
LOSSES = {  # of y z: LIBLINEAR's solver, the loss
    "hinge": (3, lambda m: max(0.0, 1 - m)),
    "logistic": (0, lambda m: math.log1p(math.exp(-abs(m))) + max(0.0, -m)),
    "squared_hinge": (2, lambda m: max(0.0, 1 - m) ** 2),
}


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def test_accuracy(program, folder, data, test, *options):
    """Trains with the options; the accuracy on `test`, %, and the seconds of updates."""
    model, report = (os.path.join(folder, name) for name in ("model", "report"))
    run(program, "train", *data, *options, "--model", model, "--report", report, "--quiet")
    with open(report) as file:
        seconds = json.load(file)["train_seconds"]
    run(program, "evaluate", model, *test, "--report", report, "--quiet")
    with open(report) as file:
        return 100 * json.load(file)["accuracy"], seconds


def normalized(line):
    label, *entries = line.split()
    pairs = [(index, float(value)) for index, value in (entry.split(":") for entry in entries)]
    length = math.sqrt(sum(value * value for _, value in pairs)) or 1
    return " ".join([label, *(f"{index}:{value / length:.9g}" for index, value in pairs)]) + "\n"


def split_news20(folder):
    with bz2.open(os.path.join(DATA, "news20/news20.bz2"), "rt") as file:
        lines = [normalized(line) for line in file]
    random.Random(1).shuffle(lines)
    held_out = len(lines) // 5
    parts = [os.path.join(folder, name) for name in ("training", "test")]
    for path, part in zip(parts, (lines[held_out:], lines[:held_out])):
        with open(path, "w") as file:
            file.writelines(part)
    return parts


def liblinear_accuracy(folder, training, test, c):
    model = os.path.join(folder, "liblinear")
    run("liblinear-train", "-s", 0, "-c", c, "-q", training, model)
    return float(run("liblinear-predict", test, model, os.devnull).split("=")[1].split("%")[0])


def news20(program, folder):
    training, test = split_news20(folder)
    theirs = []  # the first of each is the default
    for c in LIBLINEAR_C:
        theirs.append(liblinear_accuracy(folder, training, test, c))
        print(f"news20   liblinear -s 0 -c {c:<12} {theirs[-1]:6.2f} %", flush=True)
    ours = []
    for rule, l2 in itertools.product(RULES, SOUNDER_L2):
        options = ["--objective", "softmax", "--rule", rule, "--l2", l2]
        accuracy, seconds = test_accuracy(program, folder, [training], [test, "--ignore-unknown"], *options)
        ours.append(accuracy)
        print(f"news20   softmax {rule:<8} --l2 {l2:<6g} {accuracy:6.2f} %   {seconds:.1f} s", flush=True)
    return all([verdict("news20   softmax, defaults", ours[0], theirs[0] - 0.5),
                verdict("news20   softmax, best", max(ours), max(theirs) - 0.5)])


def seconds_of(*command):
    begin = time.monotonic()
    run(*command)
    return time.monotonic() - begin


def liblinear_objective(model, samples, loss, l2):
    """Mean over the samples of the sum over classes of the loss + l2 / 2 |W|^2."""
    with open(model) as file:
        head, body = file.read().split("\nw\n")
    classes = next(line for line in head.splitlines() if line.startswith("label")).split()[1:]
    rows = [[float(w) for w in line.split()] for line in body.splitlines()]
    total = 0
    with open(samples) as file:
        for count, line in enumerate(file, 1):
            label, *entries = line.split()
            z = [0.0] * len(classes)
            for index, value in (entry.split(":") for entry in entries):
                x = float(value)
                z = [a + x * b for a, b in zip(z, rows[int(index) - 1])]
            total += sum(loss(a if name == label else -a) for a, name in zip(z, classes))
    return total / count + l2 / 2 * sum(w * w for row in rows for w in row)


def one_vs_rest(program, folder):
    samples, model, report = (os.path.join(folder, name) for name in ("all", "liblinear", "report"))
    with bz2.open(os.path.join(DATA, "news20/news20.bz2"), "rt") as file:
        lines = [normalized(line) for line in file]
    with open(samples, "w") as file:
        file.writelines(lines)
    ok = True
    for name, (solver, loss) in LOSSES.items():
        ours = ["train", samples, "--objective", f"one_vs_rest_{name}", "--l2", 1 / len(lines), "--epochs", 20,
                "--evaluate-every", 20, "--threads", 2, "--report", report, "--quiet"]
        theirs = ["-s", solver, "-c", 1, "-q", samples, model]
        pairs = [(seconds_of(program, *ours), seconds_of("liblinear-train", *theirs)) for _ in range(5)]
        with open(report) as file:
            reached = json.load(file)["objective"]
        optimum = liblinear_objective(model, samples, loss, 1 / len(lines))
        mine, other = (statistics.median(side) for side in zip(*pairs))
        ok = ok and reached <= 1.01 * optimum
        print(f"news20   one_vs_rest_{name:<13} {reached:.5f} in {mine:.2f} s, liblinear -s {solver} {optimum:.5f} "
              f"in {other:.2f} s: {'ok' if reached <= 1.01 * optimum else 'MISS'}", flush=True)
    return ok


def digits(part):
    images, labels = (os.path.join(DATA, f"mnist/{part}-{kind}-ubyte.zst") for kind in ("images-idx3", "labels-idx1"))
    return [images, "--labels", labels]


def mnist(program, folder):
    options = ["--objective", "softmax", "--bias", "--l2", 1e-5]
    accuracy, seconds = test_accuracy(program, folder, digits("train"), digits("t10k"), *options)
    return verdict(f"mnist    softmax, {seconds:.1f} s", accuracy, 92)


def network(program, folder):
    accuracy, seconds = test_accuracy(program, folder, digits("train"), digits("t10k"), "--objective", "network")
    return verdict(f"mnist    network, {seconds:.1f} s", accuracy, 98)


def verdict(name, accuracy, floor):
    ok = accuracy >= floor
    print(f"{name}: {accuracy:.2f} %, at least {floor:.2f} %: {'ok' if ok else 'MISS'}", flush=True)
    return ok


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    parts = {"news20": news20, "one_vs_rest": one_vs_rest, "mnist": mnist, "network": network}
    chosen = sys.argv[2:] or list(parts)
    if not set(chosen) <= set(parts):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not all([parts[name](sys.argv[1], folder) for name in chosen]))


if __name__ == "__main__":
    main()
