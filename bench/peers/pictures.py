"""Pictures of a folder or of a Parquet file, as users of PyTorch read them."""

import io
import json
import os

from PIL import Image
from torch.utils.data import Dataset

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tiff", ".avif", ".ppm")


def rgb(picture):
    """The picture in RGB, on white where it is transparent."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


class Folder(Dataset):
    """The picture files below a folder, in the order of their paths."""

    def __init__(self, path, change):
        self.change = change
        self.files = sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(path, followlinks=True)
            for name in names
            if name.lower().endswith(ENDINGS)
        )

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as picture:
            return self.change(rgb(picture))


class Table(Dataset):
    """The rows of a Parquet file in the layout of the Hugging Face hub: a column of structs {bytes, path}."""

    def __init__(self, path, change):
        import pyarrow
        import pyarrow.parquet

        self.change = change
        table = pyarrow.parquet.read_table(path)
        column = next(
            (name for name in table.column_names if pyarrow.types.is_struct(table.schema.field(name).type)), None
        )
        if column is None:
            raise ValueError(f"{path}: no column of structs {{bytes, path}}")
        self.bytes = table[column].combine_chunks().field("bytes")

    def __len__(self):
        return len(self.bytes)

    def __getitem__(self, index):
        with Image.open(io.BytesIO(self.bytes[index].as_py())) as picture:
            return self.change(rgb(picture))


def open_pictures(path, change):
    """change: makes of a PIL picture in RGB what a batch is made of."""
    return Table(path, change) if path.endswith(".parquet") else Folder(path, change)


def endless(loader):
    """The batches of one epoch after another."""
    while True:
        yield from loader


class Marks:
    """Lines of JSON in a file, one as soon as something is done: the benchmark reads off when each was written."""

    def __init__(self, path):
        self.file = open(path, "a")

    def write(self, **values):
        self.file.write(json.dumps(values) + "\n")
        self.file.flush()
