"""The products of linear layers when asked: a line on standard input names one, the answer is the seconds it took.

products.py LAYERS TIMES: LAYERS is a JSON list of {rows, from, to}. Product 3i + k is of layer i: the pass (k 0), the
gradient of its input (1), that of its weights (2), each done TIMES times.
"""

import json
import sys
import time

import torch

layers, times = json.loads(sys.argv[1]), int(sys.argv[2])
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
known = None
for line in sys.stdin:
    index, kind = divmod(int(line), 3)
    if known != index:
        layer, known = layers[index], index
        x = torch.randn(layer["rows"], layer["from"])
        w = torch.randn(layer["to"], layer["from"])
        dy = torch.randn(layer["rows"], layer["to"])
    product = (lambda: x @ w.t(), lambda: dy @ w, lambda: dy.t() @ x)[kind]
    product()
    start = time.perf_counter()
    for _ in range(times):
        product()
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
