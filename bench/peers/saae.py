"""The same training step in idiomatic PyTorch: nn.Module, SDPA, torch.optim.AdamW. Written for the benchmarks.

The step is handed rendered views. check.py holds it beside values that the reference computed.
"""

import math

import torch
from torch import nn
import torch.nn.functional as F

PRESETS = {
    "demo": dict(image=64, patch=8, width=128, depth=4, heads=4, head=256, code=64, dec_depth=2, dec_heads=4),
    "tiny": dict(image=224, patch=16, width=192, depth=12, heads=3, head=2048, code=256, dec_depth=4, dec_heads=8),
    "small": dict(image=224, patch=16, width=384, depth=12, heads=6, head=2048, code=256, dec_depth=4, dec_heads=8),
    "base": dict(image=224, patch=16, width=768, depth=12, heads=12, head=2048, code=256, dec_depth=4, dec_heads=8),
}


def drop_path(x, rate, training):
    if rate == 0.0 or not training:
        return x
    keep = torch.floor(1 - rate + torch.rand(x.shape[0], 1, 1, device=x.device))
    return x / (1 - rate) * keep


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v)
        return self.proj(out.transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    def __init__(self, width, heads, rate=0.0):
        super().__init__()
        self.rate = rate
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + drop_path(self.attn(self.norm1(x)), self.rate, self.training)
        return x + drop_path(self.mlp(self.norm2(x)), self.rate, self.training)


class Encoder(nn.Module):
    def __init__(self, image, patch, width, depth, heads, rate=0.1):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.patch.requires_grad_(False)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, 1 + (image // patch) ** 2, width) * 0.02)
        rates = [rate * i / max(depth - 1, 1) for i in range(depth)]
        self.blocks = nn.ModuleList(Block(width, heads, r) for r in rates)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def sincos(grid, width):
    omega = 10000 ** (-torch.arange(width // 4, dtype=torch.float64) / (width / 4))
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    parts = [f(p.flatten()[:, None] * omega) for p in (columns, rows) for f in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, width), torch.cat(parts, 1).float()])[None]


class Model(nn.Module):
    def __init__(self, image, patch, width, depth, heads, head, code, dec_depth, dec_heads, temperature=0.2, rate=0.1):
        super().__init__()
        self.grid, self.patch, self.code, self.temperature = image // patch, patch, code, temperature
        self.encoder = Encoder(image, patch, width, depth, heads, rate)
        self.head = nn.Sequential(
            nn.Linear(width, head), nn.BatchNorm1d(head), nn.ReLU(),
            nn.Linear(head, head, bias=False), nn.BatchNorm1d(head), nn.ReLU(),
            nn.Linear(head, head, bias=False), nn.BatchNorm1d(head), nn.ReLU(),
            nn.Linear(head, code, bias=False), nn.BatchNorm1d(code, affine=False),
        )
        self.mask_token = nn.Parameter(torch.randn(1, 1, code) * 0.02)
        self.register_buffer("positions", sincos(self.grid, code))
        self.blocks = nn.ModuleList(Block(code, dec_heads) for _ in range(dec_depth))
        self.norm1, self.norm2 = nn.LayerNorm(code, eps=1e-6), nn.LayerNorm(code, eps=1e-6)
        self.out = nn.Linear(code, code)
        self.unconv = nn.ConvTranspose2d(code, 3, patch, patch)

    def align(self, codes, rows, columns):
        """codes [N,T,C]; rows, columns [N,G,G]: interpolation matrices, zero outside the box."""
        g = self.grid
        grid = codes[:, 1:].view(len(codes), g, g, self.code)
        placed = torch.einsum("nij,njkc,nlk->nilc", rows, grid, columns)
        inside = (rows.sum(2) > 0)[:, :, None] & (columns.sum(2) > 0)[:, None, :]
        canvas = torch.where(inside[..., None], placed, self.mask_token[:, None])
        return torch.cat([codes[:, :1], canvas.flatten(1, 2)], 1), ~inside

    def decode(self, aligned):
        x = aligned + self.positions
        for block in self.blocks:
            x = block(x)
        x = self.norm2(self.out(self.norm1(x)))[:, 1:]
        g = self.grid
        return self.unconv(x.transpose(1, 2).reshape(len(x), self.code, g, g))

    def forward(self, views, reference, rows, columns):
        tokens = self.encoder(views)
        codes = self.head(tokens.flatten(0, 1)).view(*tokens.shape[:2], self.code)
        aligned, mask = self.align(codes, rows, columns)
        image = self.decode(aligned)
        return losses(image, reference, aligned.float(), mask, self.patch, self.temperature)


def losses(image, reference, aligned, mask, patch, temperature):
    b = len(reference)
    pixels = mask.float().repeat_interleave(patch, 1).repeat_interleave(patch, 2)[:, None]
    error = (image.float() - torch.cat([reference, reference])) ** 2 * pixels
    total = error.new_zeros(())
    for v in range(2):
        part = slice(v * b, (v + 1) * b)
        total = total + error[part].sum() / (3 * pixels[part].sum()).clamp(min=1)
    z = aligned[:, 0]
    z = z / (z.norm(dim=1, keepdim=True) + 1e-10)
    similar = z @ z.T / temperature
    similar = similar.masked_fill(torch.eye(2 * b, dtype=torch.bool, device=z.device), -math.inf)
    partner = (torch.arange(2 * b, device=z.device) + b) % (2 * b)
    total = total + 10 * F.cross_entropy(similar, partner)
    u, v = F.normalize(aligned[:b, 1:], dim=2), F.normalize(aligned[b:, 1:], dim=2)
    logits = u @ v.transpose(1, 2) / temperature
    nll = torch.logsumexp(logits, 2) - logits.diagonal(dim1=1, dim2=2)
    common = (~mask[:b] & ~mask[b:]).flatten(1).float()
    return total + (nll * common).sum() / common.sum().clamp(min=1)


def matrices(batch, grid, generator):
    """Random boxes as interpolation matrices, made before the clock starts."""
    rows, columns = torch.zeros(batch, grid, grid), torch.zeros(batch, grid, grid)
    for target in (rows, columns):
        for n in range(batch):
            size = int(torch.randint(max(1, grid // 3), grid + 1, (), generator=generator))
            start = int(torch.randint(0, grid - size + 1, (), generator=generator))
            s = ((torch.arange(size) + 0.5) * grid / size - 0.5).clamp(min=0)
            low = s.floor().long()
            high = (low + 1).clamp(max=grid - 1)
            index = torch.arange(size)
            target[n, start + index, low] += 1 - (s - low)
            target[n, start + index, high] += s - low
    return rows, columns


def clip(grads, most):
    """Each gradient alone to a norm of at most `most`."""
    scales = (most / (torch.stack(torch._foreach_norm(grads)) + 1e-6)).clamp(max=1)
    torch._foreach_mul_(grads, list(scales.unbind()))


class Trainer:
    def __init__(self, model, precision, compiled, device, most=3.0):
        self.model = model.to(device)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        decayed = [p for p in self.parameters if p.ndim > 1]
        plain = [p for p in self.parameters if p.ndim <= 1]
        groups = [dict(params=decayed, weight_decay=0.1), dict(params=plain, weight_decay=0.0)]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)
        self.device, self.half = device, precision == "bfloat16"
        self.forward = torch.compile(model) if compiled else model
        self.clip = torch.compile(clip) if compiled else clip
        self.most = most

    def set_rates(self, lr, weight_decay):
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.param_groups[0]["weight_decay"] = weight_decay

    def step(self, views, reference, rows, columns):
        """views [2B,3,S,S]: all of view 1, then all of view 2; reference [B,3,S,S]; rows, columns [2B,G,G]."""
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half):
            loss = self.forward(views, reference, rows, columns)
        loss.backward()
        self.clip([p.grad for p in self.parameters], self.most)
        self.optimizer.step()
        return loss
