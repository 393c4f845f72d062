#!/usr/bin/env python3
"""Time to a target objective: what auto chooses against the best of a grid over block, refresh, tau, discipline and step.

usage: bench/auto.py PROGRAM [--threads N] [--rounds N] [SET...]   (PROGRAM: build/release/sounder; needs SOUNDER_DATA)

Seconds are those of preparation, search and updates (of the report) up to the target, of a run planned for the fewest epochs that
reach it: everyone may know these beforehand, auto too. Targets are 1 % above the optimum, or a fixed level. The grid is halved: every
cell has one run, planned for as many epochs as auto needs; the best half of them another; the best six look for their own fewest
epochs and with them for another discipline and tau. The best three and auto run in turn for some rounds, and the fastest of the three
and auto once more for as many, which are those that count: medians, and the ratio auto / best, pair by pair, with and without the search
for a step, of which a grid needs none. Exit status 1 if auto diverges, or takes more than 1.1 times the best of the grid.
"""
import argparse
import dataclasses
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with imdb/, news20/, ...")
LADDER = [*range(1, 11), 12, 14, 16, 18, 20, 23, 26, 30, 34, 39, 44, 50, 57, 65, 74, 84, 96, 110, 125, 143, 163, 186, 212, 240]
BLOCKS = [64, 256, 1024, 4096]
NEVER = str(10**9)  # a refresh that never comes
WITHIN = 1.1


# --- Data

def unpacked(folder, path, _=None):
    """As plain text, so that reading costs little."""
    source = os.path.join(DATA, path)
    tool = {".zst": "zstdcat", ".bz2": "bzcat", ".gz": "zcat"}.get(os.path.splitext(path)[1])
    if tool is None:
        return source
    target = os.path.join(folder, os.path.basename(os.path.splitext(path)[0]))
    if not os.path.exists(target):
        with open(target, "wb") as file:
            subprocess.run([tool, source], check=True, stdout=file)
    return target


def rcv1(folder, path, _):
    """Vowpal Wabbit's text as LIBSVM's: `label |f id:value ...`, the first class against the other."""
    target = os.path.join(folder, "rcv1.svm")
    with open(os.path.join(DATA, path)) as file, open(target, "w") as out:
        for line in file:
            label, entries = line.split("|f")
            pairs = sorted((int(i), v) for i, v in (e.split(":") for e in entries.split()))
            out.write(f"{label.split()[0]} " + " ".join(f"{i}:{v}" for i, v in pairs) + "\n")
    return target


def links(folder, path, _):
    """A page a row, its links the columns, the logarithm of their number the label."""
    target, lines = os.path.join(folder, "links.svm"), unpacked(folder, path)
    with open(lines) as file, open(target, "w") as out:
        for line in file:
            columns = sorted({int(n) for n in line.split("\t")[1].split(",") if n.strip() and int(n) >= 0})
            if columns:
                out.write(f"{math.log(1 + len(columns)):.6g} " + " ".join(f"{c}:1" for c in columns) + "\n")
    return target


def bibliographies(folder, path, sounder):
    """Entity resolution as a multiway cut, which the example beside the program writes."""
    program = os.path.join(os.path.dirname(sounder), "bench", "entity_resolution")
    target = os.path.join(folder, "papers.max")
    tables = [os.path.join(DATA, path, name) for name in ("DBLP2.csv", "ACM.csv", "DBLP-ACM_perfectMapping.csv")]
    subprocess.run([program, *tables, target], check=True, stdout=subprocess.DEVNULL)
    return target


@dataclasses.dataclass
class Set:
    path: str
    options: list
    optimum: float = None  # of it 1 % more is the target; else
    level: float = None    # this is
    read: callable = unpacked
    command: str = "train"
    steps: tuple = (0.25, 1, 4)  # times auto's; fewer where a run takes long


def linear(path, options, optima, read=unpacked):
    return {f"{loss} {l2}": Set(path, [*options, "--objective", loss, "--l2", l2], optimum, read=read)
            for (loss, l2), optimum in optima.items()}


def optima(*values):
    return dict(zip(itertools.product(("hinge", "logistic"), ("1e-4", "1e-5")), values))


LINEAR = {
    "imdb": linear("imdb/imdb-unigram.train.svm.zst", [], optima(0.314399, 0.086847, 0.421837, 0.223889)),
    "news20": linear("news20/news20.bz2", ["--positive-above", "10.5", "--normalize"],
                     optima(0.153799, 0.026644, 0.287274, 0.120705)),
    "reuters": linear("reuters21578/reuters21578-modapte.train.svm.zst", [], optima(0.079263, 0.010706, 0.196164, 0.071692)),
    "a9a": linear("a9a/a9a", [], optima(0.351763, 0.350949, 0.324507, 0.322933)),
}
SETS = {f"{name} {kind}": row for name, rows in LINEAR.items() for kind, row in rows.items()}
SETS |= {f"rcv1-sample {kind}": row for kind, row in linear(
    "rcv1-sample/rcv1_small.dat", [], optima(0.0292827, 0.00292828, 0.208387, 0.0565539), rcv1).items()}
SETS |= {
    "web-google": Set("web-google/web-google.adj.zst", ["--objective", "least_squares"], level=0.58, read=links),
    "movielens-100k": Set("movielens-100k/u.data", ["--objective", "matrix_completion"], level=0.295),
    "movielens-10m": Set("movielens-10m/ml10m.train.txt.zst", ["--objective", "matrix_completion"], level=0.33,
                          steps=(1,)),
    "docword-20news": Set("20news/docword.20news.txt.zst", ["--objective", "topic_model"], level=7.48),
    "docword-kos": Set("docword-kos/docword.kos.txt.gz", ["--objective", "topic_model"], level=7.1),
    "mnist softmax": Set("mnist/train-images-idx3-ubyte.zst",
                         ["--objective", "softmax", "--labels", f"{DATA}/mnist/train-labels-idx1-ubyte.zst"], level=0.29),
    "dblp-acm": Set("dblp-acm", ["--gap", "1e-3"], command="cut", read=bibliographies),
    "fish": Set("graphcut/210088.max.zst", ["--gap", "1e-3"], command="cut"),
    "flowers": Set("graphcut/124084.max.zst", ["--gap", "1e-3"], command="cut"),
}


# --- Runs

@dataclasses.dataclass(frozen=True)
class Cell:
    """What is given of the options; all that is not is auto's."""
    block: int = None
    refresh: str = None
    step: float = None
    discipline: str = None
    tau: int = None

    def flags(self):
        given = ((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))
        return [word for name, value in given if value is not None for word in (f"--{name}", str(value))]

    def __str__(self):
        return " ".join(self.flags()).replace("--", "").replace(f"refresh {NEVER}", "refresh never") or "auto"


@dataclasses.dataclass
class Run:
    seconds: float = math.inf  # to the target
    search: float = 0          # of these, spent on the search for a step
    estimate: float = math.inf
    epochs: int = 0
    report: dict = None


class Bench:
    def __init__(self, program, threads, folder, row):
        self.program, self.threads, self.row = program, threads, row
        self.path = row.read(folder, row.path, program)
        self.report = os.path.join(folder, "report.json")
        self.planned = {}  # fewest epochs

    def run(self, cell, epochs):
        """Stops at the target. What was asked for and cannot be is as slow as can be."""
        row = self.row
        target = row.level or (row.optimum and 1.01 * row.optimum)
        goal = ["--target", str(target), "--epochs", str(epochs)] if row.command == "train" else ["--epochs", "512"]
        command = [self.program, row.command, self.path, *row.options, *goal, "--threads", str(self.threads), *cell.flags(),
                   "--report", self.report, "--quiet"]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
            return Run(epochs=epochs)
        with open(self.report) as file:
            report = json.load(file)
        report = report.get("training", report)
        start, search = report["prepare_seconds"], report["search_seconds"]
        seconds = start + search + report["train_seconds"]
        if report["outcome"] == "converged":
            return Run(seconds, search, seconds, report["epochs"], report)
        # The rest above the optimum falls as one over the epochs, more or less.
        short = (report["objective"] - row.optimum) / (target - row.optimum) if row.optimum else 4
        return Run(search=search, estimate=start + search + report["train_seconds"] * short, epochs=epochs, report=report)

    def twice(self, cell, epochs):
        """The slower of two runs, for one may reach the target by luck."""
        first = self.run(cell, epochs)
        return first if first.seconds == math.inf else max(first, self.run(cell, epochs), key=lambda run: run.seconds)

    def fewest(self, cell, guess=None):
        """A run planned for the fewest epochs of LADDER that reach the target, from those of `guess` on."""
        if self.row.command == "cut":
            return self.run(cell, 0)
        at = LADDER.index(guess or 10)
        failed, reached, step = -1, len(LADDER), 1
        best = Run()
        while reached - failed > 1:
            run = self.twice(cell, LADDER[at])
            if run.seconds < math.inf:
                reached, best = at, run
                self.planned[cell] = LADDER[at]
            else:
                failed = at
            if failed < 0:
                at = max(0, at - step)
            elif reached == len(LADDER):
                at = min(len(LADDER) - 1, at + step)
            else:
                at = (failed + reached) // 2
            step *= 2
        return best

    def again(self, cells, rounds):
        """Medians of runs in turn, and the runs. Who mostly misses the target needs an epoch or so more, and all run again."""
        while True:
            runs = {cell: [] for cell in cells}
            for _ in range(rounds):
                for cell in cells:
                    runs[cell].append(self.run(cell, self.planned.get(cell, 0)))
            medians = {cell: statistics.median(run.seconds for run in list_) for cell, list_ in runs.items()}
            late = [c for c in cells if medians[c] == math.inf and self.planned.get(c, LADDER[-1]) < LADDER[-1]]
            if not late:
                return medians, runs
            for cell in late:
                self.planned[cell] = LADDER[LADDER.index(self.planned[cell]) + 1]

    def grid(self, auto):
        if self.row.command == "cut":
            return [Cell(block=block) for block in BLOCKS[1:] + [16384]]
        blocks = [b for b in BLOCKS + [4 * max(BLOCKS[-1], auto["block_rows"] // 4)] if 8 * b <= auto["samples"]]
        refreshes = [None, NEVER] if auto["refresh_rows"] else [None]
        return [Cell(block=b, refresh=r, step=float(f"{s * auto['step']:.6g}"))
                for b, r, s in itertools.product(blocks, refreshes, self.row.steps)]

    def others(self, cell, auto):
        """The cell with other disciplines and other bounds of staleness."""
        disciplines = ["racy", "exclusive", "reproducible"] if not cell.refresh or cell.refresh == NEVER else ["racy"]
        for discipline in disciplines:
            yield dataclasses.replace(cell, discipline=discipline,
                                      refresh=cell.refresh if discipline == "racy" else None)
        if self.row.command == "train" and cell.block and self.threads > 1:
            for factor in (1, 4):
                yield dataclasses.replace(cell, tau=factor * self.threads * cell.block)

    def best_of_grid(self, auto, epochs):
        """The best cells, halved as the head of this file says."""
        cells = self.grid(auto)
        found = {cell: self.run(cell, epochs).estimate for cell in cells}
        order = sorted(cells, key=found.get)
        for cell in order[:len(order) // 2]:
            found[cell] = min(found[cell], self.run(cell, epochs).estimate)
        order = sorted(order[:len(order) // 2], key=found.get)[:6]
        fewest = {cell: self.fewest(cell, epochs).seconds for cell in order}
        best = min(fewest, key=fewest.get)
        for cell in self.others(best, auto):
            self.planned[cell] = self.planned.get(best, 0)
            fewest[cell] = self.run(cell, self.planned[cell]).seconds
        return sorted(fewest, key=fewest.get)[:3]


def shown(report, cell, planned):
    return (f"{cell}; block {report['block_rows']}, refresh {report['refresh_rows']}, tau {report['tau']}, step {report['step']:.4g}, "
            f"{report['discipline']}, {planned} epochs")


def compare(program, threads, rounds, name):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, threads, folder, SETS[name])
        auto = Cell()
        first = bench.fewest(auto)
        if first.report is None:
            print(f"{name}: auto does not reach the target", flush=True)
            return False
        finalists = bench.best_of_grid(first.report, bench.planned.get(auto, 0))
        medians, _ = bench.again(finalists, rounds)
        best = min(finalists, key=medians.get)
        medians, runs = bench.again([auto, best], rounds)
    pairs = list(zip(runs[auto], runs[best]))
    ratio = statistics.median(a.seconds / b.seconds for a, b in pairs if b.seconds < math.inf)
    updates = statistics.median((a.seconds - a.search) / (b.seconds - b.search) for a, b in pairs if b.seconds < math.inf)
    diverged = any(run.report is None or run.report["outcome"] == "diverged" for run in runs[auto])
    print(f"{name:<24}{medians[auto]:>9.4f}{medians[best]:>9.4f}{ratio:>7.2f}{updates:>9.2f}  {'ok' if ratio <= WITHIN else 'MISS'}\n"
          f"    auto  {shown(first.report, auto, bench.planned.get(auto))}\n"
          f"    grid  {shown(runs[best][0].report, best, bench.planned.get(best))}", flush=True)
    return ratio <= WITHIN and not diverged


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("sets", nargs="*", metavar="SET", help="names, or how they begin")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    flags = parser.parse_intermixed_args()
    names = [name for name in SETS if not flags.sets or any(name.startswith(prefix) for prefix in flags.sets)]
    print(f"{'data':<24}{'auto s':>9}{'grid s':>9}{'ratio':>7}{'updates':>9}")
    met = [compare(flags.program, flags.threads, flags.rounds, name) for name in names]
    print(f"{sum(met)} of {len(met)} within {WITHIN}")
    sys.exit(not all(met))


if __name__ == "__main__":
    main()
