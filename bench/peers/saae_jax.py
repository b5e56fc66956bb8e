"""The same model and loss in JAX, to compile the training step for a graphics card beside ours. It need not be run there.

usage: saae_jax.py lower OUT [--batch 256] [--attention xla|cudnn] [--residual float32|bfloat16] [--remat] [--fast-variance]
       saae_jax.py check FOLDER

lower writes the step of preset base with bfloat16 products as StableHLO for CUDA, rendered views given. check computes the
reference's golden values in float32 and prints a line of JSON: the relative differences of the loss and of its gradients.
Parameters have our names and shapes.
"""

import argparse
import json
import os
import struct
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

BASE = dict(image=224, patch=16, width=768, depth=12, heads=12, head=2048, code=256, dec_depth=4, dec_heads=8, drop=0.1)
GOLDEN = dict(image=64, patch=16, width=48, depth=2, heads=3, head=96, code=32, dec_depth=2, dec_heads=4, drop=0.0)
PLAIN = dict(half=jnp.float32, residual=jnp.float32, attention="xla", remat=False, fast_variance=False)


def settings(model, **given):
    s = SimpleNamespace(**{**model, **PLAIN, **given})
    s.grid = s.image // s.patch
    s.tokens = 1 + s.grid**2
    return s


def shapes(s):
    """Shapes of the trained parameters, of the frozen ones and of the running statistics."""
    pixels = 3 * s.patch**2

    def layers(name, pairs):
        return {f"{name}.{part}.weight": w for part, w in pairs} | {f"{name}.{part}.bias": w[:1] for part, w in pairs}

    def block(name, d):
        linear = [("attn.qkv", (3 * d, d)), ("attn.proj", (d, d)), ("mlp.fc1", (4 * d, d)), ("mlp.fc2", (d, 4 * d))]
        return layers(name, [("norm1", (d,)), ("norm2", (d,)), *linear])

    c, h = s.code, s.head
    params = {"backbone.cls_token": (1, 1, s.width), "backbone.pos_embed": (1, s.tokens, s.width)}
    params |= layers("backbone", [("norm", (s.width,))]) | {"head.mask_feat": (1, 1, c)}
    for i in range(s.depth):
        params |= block(f"backbone.blocks.{i}", s.width)
    params |= layers("head.mlp", [("0", (h, s.width)), ("1", (h,)), ("4", (h,)), ("7", (h,))])
    params |= {"head.mlp.3.weight": (h, h), "head.mlp.6.weight": (h, h), "head.mlp.9.weight": (c, h)}
    for i in range(s.dec_depth):
        params |= block(f"head._blocks_.{i}", c)
    params |= layers("head", [("_norm_", (c,)), ("slp", (c, c)), ("_norm1_", (c,))])
    params |= {"head.unconv.weight": (c, 3, s.patch, s.patch), "head.unconv.bias": (3,)}
    frozen = {"backbone.patch_embed.proj.weight": (s.width, 3, s.patch, s.patch),
              "backbone.patch_embed.proj.bias": (s.width,)}
    stats = {f"head.mlp.{i}.running_{what}": (c if i == 10 else h,) for i in (1, 4, 7, 10) for what in ("mean", "var")}
    assert pixels == np.prod(frozen["backbone.patch_embed.proj.weight"][1:])
    return params, frozen, stats


def linear(s, p, name, x):
    y = x.astype(s.half) @ p[f"{name}.weight"].astype(s.half).T
    return y + p[f"{name}.bias"].astype(s.half) if f"{name}.bias" in p else y


def moments(s, x, axis):
    mean = x.mean(axis, keepdims=True)
    if s.fast_variance:
        return mean, jnp.maximum((x * x).mean(axis, keepdims=True) - mean * mean, 0)
    return mean, ((x - mean) ** 2).mean(axis, keepdims=True)


def layer_norm(s, p, name, x):
    x = x.astype(jnp.float32)
    mean, variance = moments(s, x, -1)
    y = (x - mean) * jax.lax.rsqrt(variance + 1e-6)
    return (y * p[f"{name}.weight"] + p[f"{name}.bias"]).astype(s.half)


def attend(s, qkv, heads):
    """Rows [N·T, 3d] to rows [N·T, d]; cuDNN wants an even number of tokens, so it gets one of padding."""
    rows, d = qkv.shape[0], qkv.shape[1] // 3
    n = rows // s.tokens
    q, k, v = jnp.moveaxis(qkv.reshape(n, s.tokens, 3, heads, d // heads), 2, 0)
    if s.attention == "xla":
        return jax.nn.dot_product_attention(q, k, v, implementation="xla").reshape(rows, d)
    more = s.tokens % 2
    q, k, v = (jnp.pad(part, ((0, 0), (0, more), (0, 0), (0, 0))) for part in (q, k, v))
    length = jnp.full((n,), s.tokens, jnp.int32)
    out = jax.nn.dot_product_attention(
        q, k, v, query_seq_lengths=length, key_value_seq_lengths=length, implementation="cudnn")
    return out[:, : s.tokens].reshape(rows, d)


def block(s, heads, name, p, x, keep):
    def branch(y, factor):
        return (y if factor is None else y * jnp.repeat(factor, s.tokens)[:, None].astype(y.dtype)).astype(s.residual)

    seen = attend(s, linear(s, p, f"{name}.attn.qkv", layer_norm(s, p, f"{name}.norm1", x)), heads)
    x = x + branch(linear(s, p, f"{name}.attn.proj", seen), None if keep is None else keep[0])
    hidden = linear(s, p, f"{name}.mlp.fc1", layer_norm(s, p, f"{name}.norm2", x))
    hidden = jax.nn.gelu(hidden, approximate=False)
    return x + branch(linear(s, p, f"{name}.mlp.fc2", hidden), None if keep is None else keep[1])


def run_block(s, heads, name, p, x, keep=None):
    fn = partial(block, s, heads, name)
    own = {key: value for key, value in p.items() if key.startswith(f"{name}.")}
    return (jax.checkpoint(fn) if s.remat else fn)(own, x, keep)


def patches(s, pictures):
    """[N, S, S, 3] to [N, G², 3·P²], channels first within a patch."""
    x = pictures.reshape(-1, s.grid, s.patch, s.grid, s.patch, 3)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(-1, s.grid**2, 3 * s.patch**2)


def encode(s, p, views, drop):
    kernel = p["backbone.patch_embed.proj.weight"].reshape(s.width, -1).astype(s.half)
    x = patches(s, views).astype(s.half) @ kernel.T + p["backbone.patch_embed.proj.bias"].astype(s.half)
    first = jnp.broadcast_to(p["backbone.cls_token"], (x.shape[0], 1, s.width))
    x = jnp.concatenate([first, x], 1).astype(s.residual) + p["backbone.pos_embed"].astype(s.residual)
    x = x.reshape(-1, s.width)
    for i in range(s.depth):
        rate = s.drop * i / max(s.depth - 1, 1)
        keep = jnp.floor(1 - rate + drop[i]) / (1 - rate) if rate else None
        x = run_block(s, s.heads, f"backbone.blocks.{i}", p, x, keep)
    return layer_norm(s, p, "backbone.norm", x)


def head(s, p, stats, x):
    """Codes of rows, and the running statistics after them."""
    after, n = {}, x.shape[0]
    for at in (0, 3, 6, 9):
        y = linear(s, p, f"head.mlp.{at}", x).astype(jnp.float32)
        mean, variance = moments(s, y, 0)
        name = f"head.mlp.{at + 1}"
        for what, new in (("mean", mean[0]), ("var", variance[0] * n / (n - 1))):
            after[f"{name}.running_{what}"] = 0.9 * stats[f"{name}.running_{what}"] + 0.1 * jax.lax.stop_gradient(new)
        x = (y - mean) * jax.lax.rsqrt(variance + 1e-5)
        if at < 9:
            x = jax.nn.relu(x * p[f"{name}.weight"] + p[f"{name}.bias"]).astype(s.half)
    return x, after


def align(s, token, codes, rows, columns):
    grid = codes[:, 1:].reshape(-1, s.grid, s.grid, s.code)
    placed = jnp.einsum("nij,njkc,nlk->nilc", rows, grid, columns)
    inside = (rows.sum(2) > 0)[:, :, None] & (columns.sum(2) > 0)[:, None, :]
    canvas = jnp.where(inside[..., None], placed, token[:, None])
    return jnp.concatenate([codes[:, :1], canvas.reshape(-1, s.grid**2, s.code)], 1), ~inside


def positions(s):
    omega = 10000.0 ** (-np.arange(s.code // 4) / (s.code / 4))
    rows, columns = np.meshgrid(np.arange(s.grid), np.arange(s.grid), indexing="ij")
    parts = [f(at.reshape(-1, 1) * omega) for at in (columns, rows) for f in (np.sin, np.cos)]
    return np.concatenate([np.zeros((1, s.code)), np.concatenate(parts, 1)]).astype(np.float32)


def decode(s, p, aligned):
    x = (aligned + positions(s)).astype(s.residual).reshape(-1, s.code)
    for i in range(s.dec_depth):
        x = run_block(s, s.dec_heads, f"head._blocks_.{i}", p, x)
    x = layer_norm(s, p, "head._norm1_", linear(s, p, "head.slp", layer_norm(s, p, "head._norm_", x)))
    x = x.reshape(-1, s.tokens, s.code)[:, 1:]
    bias = jnp.repeat(p["head.unconv.bias"], s.patch**2).astype(s.half)
    return x @ p["head.unconv.weight"].reshape(s.code, -1).astype(s.half) + bias


def unit(x, least=0.0, more=0.0):
    return x / (jnp.maximum(jnp.sqrt((x * x).sum(-1, keepdims=True)), least) + more)


def loss_of(found, wanted, aligned, mask):
    b, temperature = wanted.shape[0], 0.2
    weight = mask.reshape(2, b, -1).astype(jnp.float32)
    squares = ((found.astype(jnp.float32).reshape(2, *wanted.shape) - wanted) ** 2).sum(-1) * weight
    total = (squares.sum((1, 2)) / jnp.maximum(weight.sum((1, 2)) * wanted.shape[-1], 1)).sum()
    z = unit(aligned[:, 0], more=1e-10)
    similar = jnp.where(jnp.eye(2 * b, dtype=bool), -jnp.inf, z @ z.T / temperature)
    positive = (z[:b] * z[b:]).sum() / (b * temperature)
    total += 10 * (jax.nn.logsumexp(similar, 1).mean() - positive)
    u, v = unit(aligned[:b, 1:], 1e-12), unit(aligned[b:, 1:], 1e-12)
    logits = jnp.einsum("bic,bjc->bij", u, v) / temperature
    each = jax.nn.logsumexp(logits, 2) - jnp.diagonal(logits, axis1=1, axis2=2)
    common = (~mask[:b] & ~mask[b:]).reshape(b, -1).astype(jnp.float32)
    return total + (each * common).sum() / jnp.maximum(common.sum(), 1)


def forward(s, params, frozen, stats, batch):
    p = {**params, **frozen}
    codes, after = head(s, p, stats, encode(s, p, batch["views"], batch["drop"]))
    codes = codes.reshape(-1, s.tokens, s.code)
    aligned, mask = align(s, p["head.mask_feat"], codes, batch["rows"], batch["columns"])
    return loss_of(decode(s, p, aligned), patches(s, batch["reference"]), aligned, mask), after


def step(s, state, batch, rates):
    """One step of AdamW, each gradient clipped alone."""
    run = jax.value_and_grad(partial(forward, s), has_aux=True)
    (loss, stats), grads = run(state["params"], state["frozen"], state["stats"], batch)
    new = {"params": {}, "m": {}, "v": {}, "frozen": state["frozen"], "stats": stats}
    for name, g in grads.items():
        p = state["params"][name]
        g = g * jnp.minimum(1, 3 / (jnp.sqrt((g * g).sum()) + 1e-6))
        m, v = 0.9 * state["m"][name] + 0.1 * g, 0.999 * state["v"][name] + 0.001 * g * g
        decay = 1 - rates["lr"] * rates["wd"] if p.ndim > 1 else 1
        move = rates["lr"] * (m / rates["bias1"]) / (jnp.sqrt(v / rates["bias2"]) + 1e-8)
        new["params"][name], new["m"][name], new["v"][name] = p * decay - move, m, v
    return new, {"loss": loss, "norm": jnp.sqrt(sum((g * g).sum() for g in grads.values()))}


def as_if_on_h100():
    """Answers what JAX asks of a device before it lowers cuDNN's attention."""
    from jax._src.cudnn import fused_attention_stablehlo as fused

    fused.check_cudnn_version = lambda: 91000
    fused.check_compute_capability = lambda capability: float(capability) <= 9.0
    fused.is_cuda_compute_capability_equal = lambda capability: capability == "9.0"


def lower(o):
    as_if_on_h100()
    s = settings(BASE, half=jnp.bfloat16, residual=jnp.dtype(o.residual), attention=o.attention, remat=o.remat,
                 fast_variance=o.fast_variance)
    f32 = lambda tree: {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in tree.items()}
    params, frozen, stats = map(f32, shapes(s))
    pictures, places = (o.batch, s.image, s.image, 3), (2 * o.batch, s.grid, s.grid)
    batch = f32({"views": (2 * o.batch, *pictures[1:]), "reference": pictures, "rows": places, "columns": places,
                 "drop": (s.depth, 2, 2 * o.batch)})
    state = {"params": params, "m": params, "v": params, "frozen": frozen, "stats": stats}
    rates = f32({name: () for name in ("lr", "wd", "bias1", "bias2")})
    traced = jax.jit(partial(step, s), donate_argnums=0).trace(state, batch, rates)
    with open(o.file, "w") as file:
        file.write(traced.lower(lowering_platforms=("cuda",)).as_text())


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    header.pop("__metadata__", None)
    types = {"F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8}
    return {name: np.frombuffer(body[slice(*e["data_offsets"])], types[e["dtype"]]).reshape(e["shape"])
            for name, e in header.items()}


def placed(boxes, grid):
    """What each cell of the canvas takes from each of a view's, along both axes; boxes x0, y0, x1, y1 in shares."""
    out = np.zeros((2, len(boxes), grid, grid), np.float32)
    for n, (x0, y0, x1, y1) in enumerate(boxes.astype(np.float32)):
        for axis, (a, b) in enumerate(((y0, y1), (x0, x1))):
            low, high = sorted((a, b))
            first = min(int(grid * low), grid - 1)
            last = max(int(grid * high), first + 1)  # At least one cell.
            for cell in range(first, min(last, grid)):
                at = np.clip((cell + 0.5 - first) * grid / (last - first) - 0.5, 0, grid - 1)
                at = grid - 1 - at if b < a else at
                left = int(np.floor(at))
                out[axis, n, cell, left] += 1 - (at - left)
                out[axis, n, cell, min(left + 1, grid - 1)] += at - left
    return out


def check(o):
    s, golden = settings(GOLDEN), read(os.path.join(o.file, "golden-bn.safetensors"))
    weights = {name[2:]: value for name, value in golden.items() if name.startswith("w.")}
    params, frozen, stats = ({name: weights[name] for name in tree} for tree in shapes(s))
    last = lambda x: np.moveaxis(x, 1, -1)
    rows, columns = placed(np.concatenate([golden["in.box1"], golden["in.box2"]]), s.grid)
    batch = {"views": last(np.concatenate([golden["in.view1"], golden["in.view2"]])), "rows": rows,
             "reference": last(golden["in.reference"]), "columns": columns, "drop": np.ones((s.depth, 2, len(rows)))}
    run = jax.value_and_grad(lambda p: forward(s, p, frozen, stats, batch)[0])
    loss, grads = jax.jit(run)(params)
    worst = 0.0
    for name, value in golden.items():
        # These two have a gradient of zero but for rounding: batch norm takes any shift out again.
        if name.startswith("fix.grad.") and not name.endswith(("head.mlp.0.bias", "backbone.norm.bias")):
            found = np.asarray(grads[name[len("fix.grad."):]])
            worst = max(worst, float(np.linalg.norm(found - value) / np.linalg.norm(value)))
    print(json.dumps({"loss": abs(float(loss) / float(golden["fix.loss.total"]) - 1), "gradients": worst}))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("what", choices=["lower", "check"])
    a.add_argument("file")
    a.add_argument("--batch", type=int, default=256)
    a.add_argument("--attention", default="xla", choices=["xla", "cudnn"])
    a.add_argument("--residual", default="float32", choices=["float32", "bfloat16"])
    a.add_argument("--remat", action="store_true")
    a.add_argument("--fast-variance", action="store_true")
    o = a.parse_args()
    {"lower": lower, "check": check}[o.what](o)


if __name__ == "__main__":
    main()
