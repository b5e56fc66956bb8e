/** How each library loads an export, as code for its card. */
import type { ModelConfig } from "../../model/config.ts";
import type { ExportFormat } from "./formats.ts";
import { timmArchitecture } from "./timm.ts";

/** A block of code in Markdown. */
const code = (language: string, ...lines: string[]) => ["```" + language, ...lines, "```"].join("\n");

/** timm's model and how it prepares pictures. */
const TIMM_MODEL = [
  "import timm",
  "",
  'model = timm.create_model("local-dir:FOLDER", pretrained=True).eval()',
];
const TIMM_TRANSFORM = "transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model))";

const ONNX_SESSION = [
  "import onnxruntime",
  "",
  'session = onnxruntime.InferenceSession("FOLDER/model.onnx")',
];
const ONNX_PIXELS = "`pixel_values` is [batch, 3, height, width] in single precision, normalised as below; ";
const ONNX_ATTENTION = "`attentions` is that of the last block, for each head.";

/** How to load the export, as code. */
export function loading(format: ExportFormat, config: ModelConfig, classifies: boolean): string {
  if (classifies) return loadingClassifier(format);
  const { name, exact } = timmArchitecture(config);
  switch (format) {
    case "hf":
      return [
        code(
          "python",
          "from transformers import AutoImageProcessor, ViTModel",
          "",
          'processor = AutoImageProcessor.from_pretrained("FOLDER")',
          'model = ViTModel.from_pretrained("FOLDER", add_pooling_layer=False)',
          'features = model(**processor(picture, return_tensors="pt")).last_hidden_state[:, 0]',
        ),
        "",
        code(
          "js",
          'import { env, pipeline } from "@huggingface/transformers";',
          "",
          'env.localModelPath = "PARENT_OF_FOLDER/";',
          'const extract = await pipeline("image-feature-extraction", "FOLDER", { dtype: "fp32" });',
          "// This library shrinks without smoothing: large photographs give other features than in Python.",
          `const tokens = await extract(picture); // of about ${config.imageSize} pixels; the first is the class token`,
        ),
      ].join("\n");
    case "timm":
      return code(
        "python",
        ...TIMM_MODEL,
        ...(exact
          ? [`# or: timm.create_model("${name}", num_classes=0, checkpoint_path="FOLDER/model.safetensors")`]
          : []),
        TIMM_TRANSFORM,
        "features = model(transform(picture)[None])",
      );
    case "onnx":
      return [
        code(
          "python",
          ...ONNX_SESSION,
          'features = session.run(["last_hidden_state"], {"pixel_values": pixels})[0][:, 0]',
        ),
        "",
        `${ONNX_PIXELS}\`last_hidden_state\` holds all tokens, the class token first; ${ONNX_ATTENTION}`,
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
      return code(
        "python",
        "from transformers import pipeline",
        "",
        'classify = pipeline("image-classification", model="FOLDER")',
        "classify(picture)",
      );
    case "timm":
      return [
        code(
          "python",
          ...TIMM_MODEL,
          TIMM_TRANSFORM,
          "probabilities = model(transform(picture)[None]).softmax(1)",
        ),
        "",
        "The classes are `label_names` of config.json.",
      ].join("\n");
    case "onnx":
      return [
        code("python", ...ONNX_SESSION, 'logits = session.run(["logits"], {"pixel_values": pixels})[0]'),
        "",
        `${ONNX_PIXELS}the classes are \`id2label\` of config.json; ${ONNX_ATTENTION}`,
      ].join("\n");
    case "safetensors":
      return "The encoder's names are those of the reference implementation; `fc_norm` and `head` are timm's. The classes are " +
        "`id2label` of config.json.";
    default:
      return format satisfies never;
  }
}
