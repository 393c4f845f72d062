#!/usr/bin/env python3
"""Many classes: test accuracy on the real sets of SOUNDER_DATA, against LIBLINEAR's and against a floor.

usage: bench/classes.py PROGRAM [news20] [mnist] [network]   (PROGRAM: build/release/sounder)

  news20    softmax, rows of length 1, 20 % held out at random: within 0.5 points of liblinear-train -s 0 (package
            liblinear-tools), both with their defaults, and each at the best of what is tried, as the held-out rows have it
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
import subprocess
import sys
import tempfile

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with news20/ and mnist/")
LIBLINEAR_C = [1, 4, 16, 64, 256]
SOUNDER_L2 = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8]
RULES = ["sgd", "adagrad"]


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
    parts = {"news20": news20, "mnist": mnist, "network": network}
    chosen = sys.argv[2:] or list(parts)
    if not set(chosen) <= set(parts):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not all([parts[name](sys.argv[1], folder) for name in chosen]))


if __name__ == "__main__":
    main()
