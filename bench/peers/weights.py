"""Our weights in the peer's model, so that both sides start from the same numbers."""

import json
import struct

import torch

DTYPES = {"F32": (torch.float32, 4), "I64": (torch.int64, 8), "I32": (torch.int32, 4), "U8": (torch.uint8, 1)}
# Our names, which are the reference's, and the peer's.
NAMES = [
    ("backbone.cls_token", "encoder.cls"),
    ("backbone.pos_embed", "encoder.pos"),
    ("backbone.patch_embed.proj", "encoder.patch"),
    ("backbone.", "encoder."),
    ("head.mask_feat", "mask_token"),
    ("head.mlp.", "head."),
    ("head.slp", "out"),
    ("head.unconv", "unconv"),
    ("head._norm1_", "norm2"),
    ("head._norm_", "norm1"),
    ("head._blocks_.", "blocks."),
]
PARTS = [(".mlp.fc1.", ".mlp.0."), (".mlp.fc2.", ".mlp.2.")]


def read_safetensors(path):
    """The tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype, size = DTYPES[entry["dtype"]]
        values = torch.frombuffer(body, dtype=dtype, offset=begin, count=(end - begin) // size)
        tensors[name] = values.view(entry["shape"])
    return tensors


def write_safetensors(path, tensors):
    """Writes float32 tensors."""
    header, at = {}, 0
    for name, values in tensors.items():
        end = at + 4 * values.numel()
        header[name], at = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, end]}, end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(values.contiguous().numpy().tobytes())


def peer_name(name):
    """What a tensor of ours is called in the peer's model."""
    for ours, theirs in NAMES:
        if name.startswith(ours):
            name = theirs + name[len(ours):]
            break
    for ours, theirs in PARTS:
        name = name.replace(ours, theirs)
    return name


def is_derived(name):
    """Counters of batches and the decoder's fixed positions: not part of a model."""
    return name.endswith("num_batches_tracked") or name in ("positions", "head.decoder_pos_embed_")


def load(model, tensors):
    """Sets every parameter and statistic of the model from tensors under our names; fails where one is missing."""
    own = model.state_dict()
    given = {peer_name(name): values for name, values in tensors.items() if not is_derived(name)}
    kept = {name: values for name, values in own.items() if is_derived(name)}
    if set(own) != set(given) | set(kept):
        raise ValueError(f"weights that only one side has: {sorted(set(own) ^ (set(given) | set(kept)))}")
    model.load_state_dict({**kept, **given})
