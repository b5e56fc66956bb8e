/** The names that others give the tensors of a vision transformer, and ours: the reference's, DINO's, MAE's and timm's. */

/** A file's way of naming. */
export interface NameFormat {
  /** For people. */
  what: string;
  /** The name that tells it, behind any prefix. */
  sign: string;
  /** Our name of a tensor, without `backbone.`; `NAME#i` for part i of three that are joined. Undefined: unknown. */
  ours(name: string): string | undefined;
}

/**
 * Tensors of an encoder, by our names; `ls1` and `ls2` are DINOv2's layer scale, `convolutions` and `local` those of this
 * project's own encoders.
 */
const OURS = new RegExp(
  `^(${
    [
      "cls_token|pos_embed",
      "(patch_embed\\.proj|norm)\\.(weight|bias)",
      "patch_embed\\.convolutions\\.\\d+\\.(weight|norm\\.weight|norm\\.bias)",
      "blocks\\.\\d+\\.(norm1|norm2|attn\\.qkv|attn\\.proj|mlp\\.fc1|mlp\\.fc2|local)\\.(weight|bias)",
      "blocks\\.\\d+\\.ls[12]\\.gamma",
    ].join("|")
  })$`,
);

const PARTS = ["query", "key", "value"], SHORT_PARTS = ["q_proj", "k_proj", "v_proj"];

/** Hugging Face's names in a block, of transformers 4 and 5, of ViT and of DINOv2, and ours. */
const HF_BLOCK: Readonly<Record<string, string>> = {
  layernorm_before: "norm1",
  norm1: "norm1",
  "attention.output.dense": "attn.proj",
  "attention.o_proj": "attn.proj",
  layernorm_after: "norm2",
  norm2: "norm2",
  "intermediate.dense": "mlp.fc1",
  "mlp.fc1": "mlp.fc1",
  "output.dense": "mlp.fc2",
  "mlp.fc2": "mlp.fc2",
  layer_scale1: "ls1",
  layer_scale2: "ls2",
};

const HF_REST: Readonly<Record<string, string>> = {
  "embeddings.cls_token": "cls_token",
  "embeddings.position_embeddings": "pos_embed",
  "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
  "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
  "layernorm.weight": "norm.weight",
  "layernorm.bias": "norm.bias",
};

/** Ours for one of Hugging Face's names. */
function fromHuggingFace(name: string): string | undefined {
  if (Object.hasOwn(HF_REST, name)) return HF_REST[name];
  const [, block, layer, kind] =
    /^(?:encoder\.layer|layers)\.(\d+)\.(.+)\.(weight|bias|lambda1)$/.exec(name) ?? [];
  if (block === undefined) return undefined;
  if (Object.hasOwn(HF_BLOCK, layer)) {
    return `blocks.${block}.${HF_BLOCK[layer]}.${kind === "lambda1" ? "gamma" : kind}`;
  }
  const part = Math.max(
    PARTS.findIndex((part) => layer === `attention.attention.${part}`),
    SHORT_PARTS.findIndex((part) => layer === `attention.${part}`),
  );
  return part < 0 ? undefined : `blocks.${block}.attn.qkv.${kind}#${part}`;
}

/** The ways of naming that are known. */
export const NAME_FORMATS: readonly NameFormat[] = [
  {
    what: "the names of the reference, DINO, MAE and timm",
    sign: "patch_embed.proj.weight",
    ours: (name) => {
      // DINOv2's training writes its blocks in chunks.
      const plain = name.replace(/^blocks\.\d+\.(\d+\.)/, "blocks.$1");
      return OURS.test(plain) ? plain : undefined;
    },
  },
  {
    what: "the names of Hugging Face's ViT",
    sign: "embeddings.patch_embeddings.projection.weight",
    ours: (name) => {
      const ours = fromHuggingFace(name);
      return ours !== undefined && OURS.test(ours.replace(/#\d$/, "")) ? ours : undefined;
    },
  },
];

/** Tensors beside an encoder that its features do not depend on, and what they are. */
const BESIDE: readonly (readonly [name: RegExp, what: string])[] = [
  [/^(head|heads|fc|classifier|linear|head_drop|last_layer)\b/, "a head behind the features"],
  [/^(fc_norm|attn_pool|pooler)\b/, "pooling behind the features"],
  [
    /^(decoder|decoder_\w+|mask_token|masked_embed|embeddings\.mask_token|lm_head)\b/,
    "for masked pictures in pre-training",
  ],
  [/^(projector|predictor|prototypes|dino_head|ibot_head|dino_loss|ibot_patch_loss)\b/, "for pre-training"],
  [/(^|\.)num_batches_tracked$/, "a counter"],
];

/** What a tensor beside the encoder is, if features do not depend on it. */
export function isBeside(name: string): string | undefined {
  return BESIDE.find(([pattern]) => pattern.test(name))?.[1];
}

/** Tensors that change features in ways that this encoder cannot compute. */
const FOREIGN: readonly (readonly [name: RegExp, what: string])[] = [
  [/(^|\.)(register_tokens|reg_token)$/, "register tokens, which this encoder has no place for"],
  [
    /(^|\.)(dist_token|distillation_token)$/,
    "DeiT's distillation token, which this encoder has no place for",
  ],
  [/(^|\.)(norm_pre|ln_pre|pre_layernorm)\./, "a norm before the first block, as CLIP has"],
  [/\.(q_norm|k_norm)\./, "norms of queries and keys"],
  [/\.mlp\.(w12|w3|w1|w2|weights_in|weights_out|fc1_g|fc1_x)\./, "a gated MLP (SwiGLU)"],
  [/(relative_position|rel_pos|rope)/, "relative or rotary positions"],
  [/\.(gamma_1|gamma_2|q_bias|v_bias)$/, "BEiT's layers"],
  [/(^|\.)patch_embed\./, "a patch embedding that is more than one convolution"],
];

/** Why a tensor of the encoder cannot be used. */
export function whyForeign(name: string): string {
  return FOREIGN.find(([pattern]) => pattern.test(name))?.[1] ?? "a tensor that this encoder does not have";
}
