"""Random evaluations with what pycocotools makes of them: coco_cases.py COUNT SEED.

Prints a line of JSON a case: annotations, results and options, and pycocotools' precision, recall (float64 in base64), twelve
numbers and masks. All its odd rules come up: crowds, ids in any order, areas at the very ends of ranges, equal scores and overlaps,
more detections than count, empty pictures, categories that are not listed, masks in every form.
"""

import base64
import contextlib
import copy
import io
import json
import random
import sys

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

AREAS = {"all": [0, 1e10], "small": [0, 1024], "medium": [1024, 9216], "large": [9216, 1e10]}
NARROW = {"all": [0, 1e10], "small": [0, 36], "medium": [36, 100], "large": [100, 1e10]}


def number(rng, low, high):
    """Whole, a half or any: overlaps are often equal."""
    value = rng.uniform(low, high)
    return rng.choice([float(round(value)), round(value * 2) / 2, round(value, 2), value])


def grid_box(rng, width, height):
    """On a coarse grid: many overlaps are equal, and some are at a threshold."""
    x, y = 4.0 * rng.randint(0, 2), 4.0 * rng.randint(0, 1)
    return [x, y, 4.0 * rng.randint(1, 2), 4.0 * rng.randint(1, 2)]


def box(rng, width, height):
    x, y = number(rng, -2, width - 1), number(rng, -2, height - 1)
    w, h = number(rng, 1, width / 2 + 1), number(rng, 1, height / 2 + 1)
    return [x, y, rng.choice([0.0, w]) if rng.random() < 0.05 else w, h]


def near(rng, given):
    return [value + rng.choice([0, 0, 0.5, 1, rng.uniform(-1, 1)]) * (1 if i < 2 else 0.5) for i, value in enumerate(given)]


def polygon(rng, width, height):
    count = rng.choice([3, 3, 4, 5, 8])
    points = []
    for _ in range(count):
        points += [number(rng, -3, width + 3), number(rng, -3, height + 3)]
    if rng.random() < 0.1:
        points += points[:2]
    return points


def encoded(rng, width, height):
    """Run lengths of some random rectangles."""
    pixels = np.zeros((height, width), np.uint8, order="F")
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        x, y = rng.randrange(width), rng.randrange(height)
        pixels[y : y + rng.randint(1, height), x : x + rng.randint(1, width)] = 1
        if rng.random() < 0.3:
            pixels[y, x] = 0
    coded = masks.encode(pixels)
    return {"size": [height, width], "counts": coded["counts"].decode()}


def uncompressed(coded):
    pixels = masks.decode(coded).flatten(order="F")
    counts, value, length = [], 0, 0
    for pixel in pixels:
        if pixel != value:
            counts.append(length)
            value, length = pixel, 0
        length += 1
    return {"size": coded["size"], "counts": [int(count) for count in counts + [length]]}


def segmentation(rng, width, height, crowd):
    kind = rng.random()
    if crowd or kind < 0.2:
        coded = encoded(rng, width, height)
        return uncompressed(coded) if rng.random() < 0.7 else coded
    drawn = [polygon(rng, width, height) for _ in range(rng.choice([1, 1, 2, 3]))]
    return drawn + [box(rng, width, height)] if kind < 0.3 else drawn


def make(rng):
    """A case without what comes of it."""
    segm = rng.random() < 0.4
    side = rng.choice([12, 30, 150])
    image_ids = rng.sample(range(1, 60), rng.randint(1, 5))
    images = [{"id": i, "width": rng.randint(5, side), "height": rng.randint(5, side)} for i in image_ids]
    categories = [{"id": i, "name": f"c{i}"} for i in rng.sample(range(1, 12), rng.randint(1, 3))]
    known = [category["id"] for category in categories]
    ids = rng.sample(range(1, 500), 100)
    grid = rng.random() < 0.4
    some_box = grid_box if grid else box
    moved = (lambda rng, given: grid_box(rng, 12, 12) if rng.random() < 0.5 else list(given)) if grid else near
    truths = []
    for image in images:
        for _ in range(rng.choice([0, 1, 2, 3, 6])):
            crowd = int(rng.random() < 0.2)
            bbox = some_box(rng, image["width"], image["height"])
            if truths and rng.random() < 0.15:
                bbox = list(truths[-1]["bbox"])
            entry = {
                "id": ids.pop(),
                "image_id": image["id"],
                "category_id": rng.choice(known) if rng.random() < 0.95 else 99,
                "bbox": bbox,
                "area": rng.choice([bbox[2] * bbox[3], bbox[2] * bbox[3], 36, 100, 1024, 9216, 1024.0001, 9215.9, 5000]),
                "iscrowd": crowd,
            }
            if segm:
                entry["segmentation"] = segmentation(rng, image["width"], image["height"], crowd)
            if rng.random() < 0.1:
                entry["ignore"] = 1
            truths.append(entry)
    rng.shuffle(truths)
    if rng.random() < 0.1:
        truths.append({**copy.deepcopy(truths[0]), "id": ids.pop(), "image_id": 999} if truths else None)
        truths = [entry for entry in truths if entry]
    form = rng.choice(["masks", "boxes", "both"]) if segm else rng.choice(["boxes", "boxes", "masks"])
    scores = rng.choice([[0.1, 0.5, 0.9], None])
    results = []
    for image in images:
        own = [entry for entry in truths if entry["image_id"] == image["id"]]
        for _ in range(rng.choice([0, 1, 3, 8, 14])):
            like = rng.choice(own) if own and rng.random() < 0.7 else None
            category = like["category_id"] if like and rng.random() < 0.9 else rng.choice(known)
            entry = {"image_id": image["id"], "category_id": category}
            entry["score"] = rng.choice(scores) if scores else rng.uniform(-1, 2)
            if form != "masks":
                entry["bbox"] = moved(rng, like["bbox"]) if like else some_box(rng, image["width"], image["height"])
            if form != "boxes":
                size = (image["width"], image["height"])
                if rng.random() < 0.05:
                    size = (image["width"] + 1, image["height"])
                entry["segmentation"] = encoded(rng, *size)
                if like and segm and rng.random() < 0.6:
                    entry["segmentation"] = as_text(like["segmentation"], image)
            results.append(entry)
            if rng.random() < 0.1:
                results.append(copy.deepcopy(entry))
    rng.shuffle(results)
    options = {
        "iouType": "segm" if segm else "bbox",
        "categories": rng.random() < 0.8,
        "maxDetections": rng.choice([[1, 10, 100], [1, 10, 100], [1, 2, 3], [5, 1, 2]]),
        "areas": rng.choice([AREAS, NARROW]),
        "points": rng.choice([101, 11, 11, 11, 11]),
        "iouThresholds": rng.choice([None, None, [0.5, 0.75], [0.1, 0.3, 1.0]]),
    }
    truth = {"images": images, "annotations": truths, "categories": categories}
    return {"truth": truth, "results": results, "options": options}


def as_text(given, image):
    """A segmentation as compressed run lengths."""
    api = COCO()
    api.imgs = {0: image}
    coded = api.annToRLE({"image_id": 0, "segmentation": given})
    counts = coded["counts"]
    return {"size": list(coded["size"]), "counts": counts if isinstance(counts, str) else counts.decode()}


def evaluate(case):
    """What pycocotools makes of a case."""
    options = case["options"]
    truth = COCO()
    truth.dataset = copy.deepcopy(case["truth"])
    truth.createIndex()
    if case["results"]:
        found = truth.loadRes(copy.deepcopy(case["results"]))
    else:
        found = COCO()
        found.dataset = {**copy.deepcopy(case["truth"]), "annotations": []}
        found.createIndex()
    run = COCOeval(truth, found, options["iouType"])
    run.params.useCats = int(options["categories"])
    run.params.maxDets = list(options["maxDetections"])
    run.params.areaRngLbl = list(options["areas"])
    run.params.areaRng = list(options["areas"].values())
    run.params.recThrs = np.linspace(0, 1, options["points"])
    if options["iouThresholds"]:
        run.params.iouThrs = np.array(options["iouThresholds"])
    run.evaluate()
    run.accumulate()
    run.summarize()
    code = lambda values: base64.b64encode(np.ascontiguousarray(values, "<f8").tobytes()).decode()
    return {
        "points": list(run.params.recThrs),
        "precision": code(run.eval["precision"]),
        "recall": code(run.eval["recall"]),
        "stats": [float(value) for value in run.stats],
    }


def drawn(rng):
    """Masks and what pycocotools says of them."""
    width, height = rng.randint(1, 40), rng.randint(1, 40)
    out = []
    for _ in range(3):
        given = segmentation(rng, width, height, False)
        coded = as_text(given, {"width": width, "height": height})
        out.append({
            "segmentation": given,
            "counts": coded["counts"],
            "area": int(masks.area(coded)),
            "box": [float(value) for value in masks.toBbox(coded)],
        })
    coded = [{"size": [height, width], "counts": one["counts"]} for one in out]
    ious = [[float(value) for value in row] for row in masks.iou(coded, coded, [0, 1, 0])]
    return {"size": [height, width], "masks": out, "ious": ious}


def main():
    count, seed = int(sys.argv[1]), sys.argv[2]
    for i in range(count):
        rng = random.Random(f"{seed}/{i}")
        with contextlib.redirect_stdout(io.StringIO()):
            case = make(rng)
            case["expected"], case["drawn"] = evaluate(case), drawn(rng)
        print(json.dumps(case))


if __name__ == "__main__":
    main()
