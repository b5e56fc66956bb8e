"""Two steps of fine-tuning by plain PyTorch, for tests/finetune/step_test.ts.

Run once: python bench/peers/finetune_fixture.py tests/fixtures/finetune.safetensors

A small ViT with MAE's pooling; AdamW with layer-wise decay, mixup or cutmix, label smoothing and stochastic depth. What is
random (pictures, weights, draws) is made here and stored, so that the other side computes from the same numbers.
"""

import json
import struct
import sys

import torch
import torch.nn.functional as F

SIZE, PATCH, WIDTH, DEPTH, HEADS, CLASSES, BATCH = 16, 4, 16, 2, 2, 3, 4
LR, DECAY, WD, SMOOTHING, DROP = 0.01, 0.65, 0.05, 0.1, 0.4
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def weights():
    made = {
        "backbone.cls_token": torch.randn(1, 1, WIDTH) * 0.1,
        "backbone.pos_embed": torch.randn(1, 1 + (SIZE // PATCH) ** 2, WIDTH) * 0.1,
        "backbone.patch_embed.proj.weight": torch.randn(WIDTH, 3, PATCH, PATCH) * 0.1,
        "backbone.patch_embed.proj.bias": torch.randn(WIDTH) * 0.1,
    }
    for i in range(DEPTH):
        name = f"backbone.blocks.{i}"
        for norm in ("norm1", "norm2"):
            made[f"{name}.{norm}.weight"] = 1 + torch.randn(WIDTH) * 0.1
            made[f"{name}.{norm}.bias"] = torch.randn(WIDTH) * 0.1
        for layer, out, inputs in (("attn.qkv", 3 * WIDTH, WIDTH), ("attn.proj", WIDTH, WIDTH),
                                   ("mlp.fc1", 4 * WIDTH, WIDTH), ("mlp.fc2", WIDTH, 4 * WIDTH)):
            made[f"{name}.{layer}.weight"] = torch.randn(out, inputs) * 0.2
            made[f"{name}.{layer}.bias"] = torch.randn(out) * 0.1
    made["fc_norm.weight"], made["fc_norm.bias"] = 1 + torch.randn(WIDTH) * 0.1, torch.randn(WIDTH) * 0.1
    made["head.weight"], made["head.bias"] = torch.randn(CLASSES, WIDTH) * 0.3, torch.randn(CLASSES) * 0.1
    return {name: torch.nn.Parameter(value) for name, value in made.items()}


def logits_of(p, images, draws):
    """images [B, 3, S, S]; draws [depth, 2, B] uniform."""
    def linear(x, name):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), p[f"{name}.weight"], p[f"{name}.bias"], 1e-6)

    proj = "backbone.patch_embed.proj"
    x = F.conv2d(images, p[f"{proj}.weight"], p[f"{proj}.bias"], stride=PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([p["backbone.cls_token"].expand(len(x), -1, -1), x], 1) + p["backbone.pos_embed"]
    for i in range(DEPTH):
        name, rate = f"backbone.blocks.{i}", DROP * i / (DEPTH - 1)
        keep = torch.floor(1 - rate + draws[i]) / (1 - rate)
        qkv = linear(norm(x, f"{name}.norm1"), f"{name}.attn.qkv")
        q, k, v = qkv.reshape(len(x), -1, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + keep[0][:, None, None] * linear(mixed, f"{name}.attn.proj")
        hidden = F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
        x = x + keep[1][:, None, None] * linear(hidden, f"{name}.mlp.fc2")
    return linear(norm(x[:, 1:].mean(1), "fc_norm"), "head")


def layer(name):
    if name.startswith("backbone.blocks."):
        return int(name.split(".")[2]) + 1
    return 0 if name.startswith("backbone.") else DEPTH + 1


def groups(p):
    for name, value in p.items():
        bare = value.ndim == 1 or name in ("backbone.pos_embed", "backbone.cls_token")
        yield {"params": [value], "lr": LR * DECAY ** (DEPTH + 1 - layer(name)), "weight_decay": 0 if bare else WD}


def mix(images, labels, lam, box):
    hot = F.one_hot(labels, CLASSES) * (1 - SMOOTHING) + SMOOTHING / CLASSES
    out = images.clone()
    if box is None:
        out = images * lam + images.flip(0) * (1 - lam)
    else:
        top, bottom, left, right = box
        out[:, :, top:bottom, left:right] = images.flip(0)[:, :, top:bottom, left:right]
    return out, hot * lam + hot.flip(0) * (1 - lam)


def write(path, tensors):
    header, at, body = {}, 0, b""
    for name, value in tensors.items():
        kind, raw = ("U8", value.numpy().tobytes()) if value.dtype == torch.uint8 else (
            "F32", value.detach().float().contiguous().numpy().tobytes())
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [at, at + len(raw)]}
        at, body = at + len(raw), body + raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def main(path):
    torch.manual_seed(1)
    p = weights()
    stored = {f"before.{name}": value.detach().clone() for name, value in p.items()}
    optimizer = torch.optim.AdamW(list(groups(p)))
    for step, (lam, box) in enumerate(((0.3, None), (1 - 6 * 8 / SIZE**2, (2, 8, 5, 13)))):
        base = torch.randint(0, 256, (BATCH, SIZE, SIZE, 3), dtype=torch.uint8)
        labels, draws = torch.randint(0, CLASSES, (BATCH,)), torch.rand(DEPTH, 2, BATCH)
        images = ((base / 255 - MEAN) / STD).permute(0, 3, 1, 2)
        pictures, targets = mix(images, labels, lam, box)
        scores = logits_of(p, pictures, draws)
        loss = -(targets * F.log_softmax(scores, 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        stored |= {
            f"step{step}.base": base, f"step{step}.labels": labels.float(), f"step{step}.draws": draws,
            f"step{step}.logits": scores, f"step{step}.loss": loss.reshape(1), f"step{step}.targets": targets,
            f"step{step}.mix": torch.tensor([lam, *(box or (-1, -1, -1, -1))]),
        }
    stored |= {f"after.{name}": value for name, value in p.items()}
    write(path, stored)


main(sys.argv[1])
