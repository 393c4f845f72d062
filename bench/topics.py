#!/usr/bin/python3
"""Topic models: held-out perplexity on 20news against scikit-learn's online LDA at the same wall time.

usage: bench/topics.py PROGRAM [SEED]   (PROGRAM: build/release/sounder; Debian's python3-sklearn and SOUNDER_DATA)

10 % of the tokens of every document are held out. Both learn 50 topics from the rest, then infer each document's mixture
from the rest of it. Wall seconds of sounder are those of the whole run, reading and writing included; scikit-learn's are
those of partial_fit alone, on the counts in memory. It stops after the first mini-batches beyond our time, and goes on
for two passes more to show where it is heading. Its settings are the best of those tried (batches of 256, prior of words
0.1), its mixtures the better of its own and of expectation-maximisation with the better of two priors. Exit status 1
when sounder is worse at the same time.
"""
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy
import scipy.sparse
from sklearn.decomposition import LatentDirichletAllocation

DATA = os.environ.get("SOUNDER_DATA") or sys.exit("SOUNDER_DATA is not set: the folder with 20news/")
TOPICS = 50
SHARE = 0.1
CHUNK = 1024  # documents a call of partial_fit
ROUNDS = 50


def read_counts():
    text = subprocess.run(["zstdcat", f"{DATA}/20news/docword.20news.txt.zst"], check=True, capture_output=True).stdout
    numbers = numpy.array(text.split(), dtype=numpy.int64)
    entries = numbers[3:].reshape(-1, 3)
    shape = (numbers[0], numbers[1])
    return scipy.sparse.csr_matrix((entries[:, 2], (entries[:, 0] - 1, entries[:, 1] - 1)), shape=shape)


def split(counts, seed):
    """Tokens to learn from and tokens held out; a document with one token keeps it."""
    held = counts.copy()
    held.data = numpy.random.default_rng(seed).binomial(counts.data, SHARE)
    rest = counts - held
    lost = numpy.repeat(numpy.asarray(rest.sum(axis=1)).ravel() == 0, numpy.diff(held.indptr))
    held.data[lost] = 0
    rest = counts - held
    for part in (rest, held):
        part.eliminate_zeros()
    return rest.tocsr(), held.tocsr()


def write_docword(path, counts):
    entries = counts.tocoo()
    table = numpy.column_stack([entries.row + 1, entries.col + 1, entries.data])
    numpy.savetxt(path, table, fmt="%d", header="\n".join(map(str, [*counts.shape, counts.nnz])), comments="")


def show(name, wall, cpu, perplexity):
    print(f"{name:<44}{wall:8.1f} s wall{cpu:8.1f} s cpu   perplexity {perplexity:7.1f}", flush=True)


def cpu_seconds():
    return sum(getattr(resource.getrusage(who), field) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
               for field in ("ru_utime", "ru_stime"))


def run_sounder(program, folder, rest, held):
    """Wall seconds."""
    training, test, model = (os.path.join(folder, name) for name in ("training", "test", "model"))
    write_docword(training, rest)
    write_docword(test, held)
    start, cpu = time.monotonic(), cpu_seconds()
    subprocess.run([program, "train", training, "--objective", "topic_model", "--topics", str(TOPICS), "--vocabulary",
                    f"{DATA}/20news/vocab.20news.txt.zst", "--model", model, "--quiet"], check=True)
    wall, cpu = time.monotonic() - start, cpu_seconds() - cpu
    shown = subprocess.run([program, "evaluate", model, test, "--observed", training], check=True, capture_output=True,
                           text=True).stdout
    perplexity = float(shown.split("perplexity ")[1].split(",")[0])
    show("sounder", wall, cpu, perplexity)
    print(subprocess.run([program, "topics", model, "--data", training], check=True, capture_output=True,
                         text=True).stdout, flush=True)
    return wall, perplexity


def perplexity_of(mixtures, words, held):
    entries = held.tocoo()
    p = numpy.einsum("nk,nk->n", mixtures[entries.row], words[entries.col])
    return numpy.exp(-(entries.data * numpy.log(p)).sum() / entries.data.sum())


def fold_in(words, rest, prior):
    """p(topic | document) by expectation-maximisation, `words` being p(word | topic)."""
    parts = []
    for first in range(0, rest.shape[0], CHUNK):
        part = rest[first:first + CHUNK].astype(numpy.float32)
        document = numpy.repeat(numpy.arange(part.shape[0]), numpy.diff(part.indptr))
        mixture = numpy.full((part.shape[0], TOPICS), 1 / TOPICS, dtype=numpy.float32)
        chosen = words[part.indices].astype(numpy.float32)
        for _ in range(ROUNDS):
            p = numpy.einsum("nk,nk->n", mixture[document], chosen)
            weights = scipy.sparse.csr_matrix((part.data / p, numpy.arange(part.nnz), part.indptr))
            mixture = mixture * (weights @ chosen) + prior
            mixture /= mixture.sum(axis=1, keepdims=True)
        parts.append(mixture)
    return numpy.concatenate(parts)


class Sklearn:
    def __init__(self, rest, held):
        self.rest, self.held = rest, held
        self.model = LatentDirichletAllocation(TOPICS, learning_method="online", batch_size=256, topic_word_prior=0.1,
                                               total_samples=rest.shape[0], max_iter=1, random_state=0)
        self.random = numpy.random.default_rng(0)
        self.wall = self.cpu = 0.0
        self.left = []
        self.passes = 0

    def next_chunk(self):
        if not self.left:
            self.passes += 1
            order = self.random.permutation(self.rest.shape[0])
            self.left = [order[i:i + CHUNK] for i in range(0, len(order), CHUNK)]
        chunk = self.left.pop(0)
        start, cpu = time.monotonic(), cpu_seconds()
        self.model.partial_fit(self.rest[chunk])
        self.wall += time.monotonic() - start
        self.cpu += cpu_seconds() - cpu

    def show(self, name):
        words = (self.model.components_ / self.model.components_.sum(axis=1, keepdims=True)).T
        mixtures = [self.model.transform(self.rest)] + [fold_in(words, self.rest, prior) for prior in (0.05, 0.2)]
        perplexity = min(perplexity_of(m, words, self.held) for m in mixtures)
        show(name, self.wall, self.cpu, perplexity)
        return perplexity


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
    rest, held = split(read_counts(), int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    with tempfile.TemporaryDirectory() as folder:
        wall, ours = run_sounder(program, folder, rest, held)
    sklearn = Sklearn(rest, held)
    while sklearn.wall < wall:
        sklearn.next_chunk()
    theirs = sklearn.show("scikit-learn, as soon")
    for _ in range(2):
        sklearn.next_chunk()
        while sklearn.left:
            sklearn.next_chunk()
        sklearn.show(f"scikit-learn, passes: {sklearn.passes}")
    print(f"perplexity at the same wall time: {ours:.1f}, scikit-learn {theirs:.1f}")
    sys.exit(0 if ours <= theirs else 1)


if __name__ == "__main__":
    main()
