"""Searches with faiss's exact index when asked: each line on standard input is a number of searches, each answer the seconds.

Both files are embedding files with one tensor of features, `class`; rows are brought to length 1 before the clock starts.
"""

import argparse
import json
import struct
import sys
import time

import faiss
import numpy

BLOCK = 50_000


def memory(field):
    """Bytes that are resident now (VmRSS) or were at most (VmHWM)."""
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith(field))


def features(path):
    """The features of a file, read as they are needed."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(length))["class"]
    return numpy.memmap(path, "<f4", "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))


def unit(rows):
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


arguments = argparse.ArgumentParser()
for name in ("gallery", "queries", "out"):
    arguments.add_argument(f"--{name}")
arguments.add_argument("--k", type=int)
arguments.add_argument("--threads", type=int)
given = arguments.parse_args()

faiss.omp_set_num_threads(given.threads)
gallery, queries = features(given.gallery), unit(numpy.array(features(given.queries)))
index = faiss.IndexFlatIP(gallery.shape[1])
for first in range(0, len(gallery), BLOCK):
    index.add(unit(numpy.array(gallery[first : first + BLOCK])))
del gallery
_, found = index.search(queries, given.k)
with open(given.out, "w") as file:
    json.dump(found.tolist(), file)
print(json.dumps({"faiss": faiss.__version__, "options": faiss.get_compile_options()}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        index.search(queries, given.k)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": memory("VmHWM"), "resident": memory("VmRSS")}), flush=True)
