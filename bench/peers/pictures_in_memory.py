"""Pictures as bytes in memory, handed out in batches; which ones stands for each step beforehand."""

import torch


class Batches:
    """given: pictures, labels (files), count, and the side in config. The order of an epoch follows from the seed."""

    def __init__(self, given, batch, seed):
        count, side = given["count"], given["config"]["imageSize"]
        read = lambda path, size, dtype: torch.from_file(path, size=size, dtype=dtype, device="cpu")
        # The file is mapped, so its pages are read once and shared.
        self.pictures = read(given["pictures"], count * side * side * 3, torch.uint8).view(count, side, side, 3)
        self.labels = read(given["labels"], count, torch.int32)
        if count < batch:
            raise SystemExit(f"{count} pictures are fewer than a batch of {batch}")
        self.device = given["device"]
        self.batch, self.seed, self.epoch, self.steps = batch, seed, -1, count // batch

    def at(self, step):
        """The pictures [B,3,S,S] from 0 to 1 and the classes [B] of a step, counted from 0."""
        epoch, place = divmod(step, self.steps)
        if epoch != self.epoch:
            generator = torch.Generator("cpu").manual_seed(self.seed * 1_000_003 + epoch)
            self.order, self.epoch = torch.randperm(len(self.labels), generator=generator, device="cpu"), epoch
        chosen = self.order[place * self.batch:(place + 1) * self.batch]
        pictures, labels = self.pictures[chosen].to(self.device), self.labels[chosen].to(self.device)
        return pictures.permute(0, 3, 1, 2).float() / 255, labels.long()
