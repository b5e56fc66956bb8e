"""Runs an exported encoder in other libraries: `exported.py FOLDER`, started by bench/weights.ts.

FOLDER holds hf/, timm/, onnx/ (exports), ask.json (count, size, paths of photographs) and pixels.f32 (normalised pictures,
[count, 3, size, size]). For each library that is installed: NAME.pixels.f32, all tokens of these pixels, and where it makes
pixels of pictures itself NAME.photos.f32, the class token of each photograph. The last line says which version ran.
"""

import json
import pathlib
import sys

import numpy

folder = pathlib.Path(sys.argv[1])
ask = json.loads((folder / "ask.json").read_text())
pixels = numpy.fromfile(folder / "pixels.f32", "<f4").reshape(ask["count"], 3, ask["size"], ask["size"])


def write(name, values):
    numpy.ascontiguousarray(values, "<f4").tofile(folder / name)


def photos():
    from PIL import Image

    return [Image.open(path).convert("RGB") for path in ask["photos"]]


def hf():
    import torch
    import transformers
    from transformers import AutoImageProcessor, ViTModel

    model, info = ViTModel.from_pretrained(folder / "hf", add_pooling_layer=False, output_loading_info=True)
    problems = {key: list(value) for key, value in info.items() if value}
    if problems:
        raise ValueError(f"transformers reports {problems}")
    model.eval()
    processor = AutoImageProcessor.from_pretrained(folder / "hf")
    with torch.no_grad():
        write("hf.pixels.f32", model(pixel_values=torch.from_numpy(pixels)).last_hidden_state.numpy())
        out = [model(**processor(photo, return_tensors="pt")).last_hidden_state[0, 0].numpy() for photo in photos()]
    write("hf.photos.f32", numpy.stack(out))
    return f"transformers {transformers.__version__}, {type(model).__name__}, {type(processor).__name__}"


def timm_():
    import timm
    import torch

    model = timm.create_model(f"local-dir:{folder / 'timm'}", pretrained=True).eval()
    if ask["architecture"]:
        named = timm.create_model(ask["architecture"], num_classes=0, checkpoint_path=str(folder / "timm/model.safetensors"))
        assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), named.state_dict().values()))
    transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model))
    with torch.no_grad():
        write("timm.pixels.f32", model.forward_features(torch.from_numpy(pixels)).numpy())
        write("timm.photos.f32", numpy.stack([model(transform(photo)[None])[0].numpy() for photo in photos()]))
    return f"timm {timm.__version__}"


def onnx_():
    import onnx
    import onnxruntime

    path = str(folder / "onnx/model.onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    tokens, attention = session.run(["last_hidden_state", "attentions"], {"pixel_values": pixels})
    write("onnx.pixels.f32", tokens)
    numpy.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    return f"onnxruntime {onnxruntime.__version__}, checked by onnx {onnx.__version__}"


said = {}
for name, run in [("hf", hf), ("timm", timm_), ("onnx", onnx_)]:
    try:
        said[name] = {"about": run()}
    except ImportError as error:
        said[name] = {"missing": str(error)}
print(json.dumps(said))
