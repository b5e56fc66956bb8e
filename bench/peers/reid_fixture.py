"""Golden values of weakly supervised re-identification by PyTorch: python reid_fixture.py > tests/fixtures/reid-weak.json

The losses are written down from their definitions: cross-entropy with the likeliest person of the bag, the pairwise term, the
triplet of median and nearest. Inputs are made of sines, so nothing but this file is needed.
"""

import json

import torch

torch.set_default_dtype(torch.float64)
BATCH, PERSONS, WIDTH = 6, 5, 4
MARGIN = 1.2


def made(rows, columns, seed):
    at = torch.arange(rows * columns, dtype=torch.float64).reshape(rows, columns)
    return torch.sin(at * 1.7 + seed) * 1.5


# The last picture's bag shares a person with every other one: it has no negative.
BAGS = torch.tensor(
    [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 1, 0, 1, 0]],
    dtype=torch.float64,
)


def squared(x):
    return (x[:, None, :] - x[None, :, :]).pow(2).sum(-1)


def losses(logits, looks, features):
    p = torch.softmax(logits, 1)
    labels = torch.argmax(p.detach() * BAGS, 1)
    unary = torch.nn.functional.cross_entropy(logits, labels)
    different = (labels[:, None] != labels[None, :]).double()
    pairwise = (-torch.exp(-squared(looks)) * (p @ p.T) * different).mean()
    distances = squared(features).clamp(min=1e-12).sqrt()
    shared = (BAGS @ BAGS.T) > 0
    each = []
    for i in range(BATCH):
        if shared[i].all():
            continue
        positive, negative = distances[i][shared[i]].median(), distances[i][~shared[i]].min()
        each.append(torch.relu(positive - negative + MARGIN))
    return {"unary": unary, "pairwise": pairwise, "triplet": torch.stack(each).mean()}, labels


def main():
    inputs = {"logits": made(BATCH, PERSONS, 1), "looks": made(BATCH, WIDTH, 2) / 2, "features": made(BATCH, WIDTH, 3)}
    tensors = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    found, labels = losses(**tensors)
    out = {
        "bags": BAGS.int().tolist(),
        "margin": MARGIN,
        "labels": labels.tolist(),
        "inputs": {name: value.tolist() for name, value in inputs.items()},
        "losses": {name: value.item() for name, value in found.items()},
        "gradients": {},
    }
    for name, value in found.items():
        grads = torch.autograd.grad(value, list(tensors.values()), retain_graph=True, allow_unused=True)
        out["gradients"][name] = {
            key: grad.tolist() for key, grad in zip(tensors, grads) if grad is not None and grad.abs().sum() > 0
        }

    # Adam with AMSGrad: gradients that fall, so that the largest second moment is not the last one.
    weight = torch.nn.Parameter(made(2, 3, 4))
    optimizer = torch.optim.Adam([weight], lr=0.05, weight_decay=5e-4, amsgrad=True)
    steps = []
    for step in range(4):
        grad = made(2, 3, 5 + step) / (1 + 199 * step)
        weight.grad = grad.clone()
        optimizer.step()
        steps.append({"gradient": grad.tolist(), "weight": weight.detach().clone().tolist()})
    out["adam"] = {"start": made(2, 3, 4).tolist(), "lr": 0.05, "decay": 5e-4, "steps": steps}
    print(json.dumps(out))


main()
