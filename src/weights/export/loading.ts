/** How each library loads an export, as code for its card. */
import type { ModelConfig } from "../../model/config.ts";
import type { ExportFormat } from "./formats.ts";
import { timmArchitecture } from "./timm.ts";

/** How to load the export, as code. */
export function loading(format: ExportFormat, config: ModelConfig, classifies: boolean): string {
  if (classifies) return loadingClassifier(format);
  const { name, exact } = timmArchitecture(config);
  switch (format) {
    case "hf":
      return [
        "```python",
        "from transformers import AutoImageProcessor, ViTModel",
        "",
        'processor = AutoImageProcessor.from_pretrained("FOLDER")',
        'model = ViTModel.from_pretrained("FOLDER", add_pooling_layer=False)',
        'features = model(**processor(picture, return_tensors="pt")).last_hidden_state[:, 0]',
        "```",
        "",
        "```js",
        'import { env, pipeline } from "@huggingface/transformers";',
        "",
        'env.localModelPath = "PARENT_OF_FOLDER/";',
        'const extract = await pipeline("image-feature-extraction", "FOLDER", { dtype: "fp32" });',
        "// This library shrinks without smoothing: large photographs give other features than in Python.",
        `const tokens = await extract(picture); // of about ${config.imageSize} pixels; the first is the class token`,
        "```",
      ].join("\n");
    case "timm":
      return [
        "```python",
        "import timm",
        "",
        'model = timm.create_model("local-dir:FOLDER", pretrained=True).eval()',
        ...(exact
          ? [`# or: timm.create_model("${name}", num_classes=0, checkpoint_path="FOLDER/model.safetensors")`]
          : []),
        "transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model))",
        "features = model(transform(picture)[None])",
        "```",
      ].join("\n");
    case "onnx":
      return [
        "```python",
        "import onnxruntime",
        "",
        'session = onnxruntime.InferenceSession("FOLDER/model.onnx")',
        'features = session.run(["last_hidden_state"], {"pixel_values": pixels})[0][:, 0]',
        "```",
        "",
        "`pixel_values` is [batch, 3, height, width] in single precision, normalised as below; `last_hidden_state` holds all " +
        "tokens, the class token first; `attentions` is that of the last block, for each head.",
      ].join("\n");
    case "safetensors":
      return "The names are those of the reference implementation; `deno task eval FOLDER` and `deno task embed FOLDER` take " +
        "the folder.";
    default:
      return format satisfies never;
  }
}

/** How to load a classifier, as code. */
function loadingClassifier(format: ExportFormat): string {
  switch (format) {
    case "hf":
      return [
        "```python",
        "from transformers import pipeline",
        "",
        'classify = pipeline("image-classification", model="FOLDER")',
        "classify(picture)",
        "```",
      ].join("\n");
    case "timm":
      return [
        "```python",
        "import timm",
        "",
        'model = timm.create_model("local-dir:FOLDER", pretrained=True).eval()',
        "transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model))",
        "probabilities = model(transform(picture)[None]).softmax(1)",
        "```",
        "",
        "The classes are `label_names` of config.json.",
      ].join("\n");
    case "onnx":
      return [
        "```python",
        "import onnxruntime",
        "",
        'session = onnxruntime.InferenceSession("FOLDER/model.onnx")',
        'logits = session.run(["logits"], {"pixel_values": pixels})[0]',
        "```",
        "",
        "`pixel_values` is [batch, 3, height, width] in single precision, normalised as below; the classes are `id2label` of " +
        "config.json; `attentions` is that of the last block, for each head.",
      ].join("\n");
    case "safetensors":
      return "The encoder's names are those of the reference implementation; `fc_norm` and `head` are timm's. The classes are " +
        "`id2label` of config.json.";
    default:
      return format satisfies never;
  }
}
