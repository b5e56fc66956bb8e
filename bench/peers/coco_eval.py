"""pycocotools from two files to its twelve numbers: coco_eval.py GT RESULTS bbox|segm. Prints one line of JSON."""

import contextlib
import io
import json
import resource
import sys
import time

import pycocotools.cocoeval
from pycocotools.coco import COCO


def main():
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(sys.argv[1])
        found = truth.loadRes(sys.argv[2])
        start = time.perf_counter()
        run = pycocotools.cocoeval.COCOeval(truth, found, sys.argv[3])
        run.evaluate()
        run.accumulate()
        run.summarize()
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"stats": [float(value) for value in run.stats], "seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
