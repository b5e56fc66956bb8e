/** Which sizes of a model go together. */
import { hiddenWidth, type ModelConfig } from "./config.ts";

/** How far, of a whole number, a product may be beside it: a ratio of 120 / 88 is rounded. */
const ROUNDING = 1e-9;

/** Settings that are one of a few words, and these words; the last one's remark is for messages. */
const CHOICES = [
  ["stem", ["patches", "convolutions"], ""],
  ["classHead", ["shared", "own"], ""],
  ["attention", ["auto", "plain", "cudnn"], ""],
  ["residualPrecision", ["float32", "bfloat16"], ""],
  ["flipRule", ["columns", "channels"], " (as shipped)"],
  ["reconstructionTarget", ["picture", "view"], ""],
] as const satisfies readonly (readonly [keyof ModelConfig, readonly string[], string])[];

/** What is wrong with settings that are switches or words, one sentence each. */
function wrongKinds(config: ModelConfig): string[] {
  const switches = ["headBatchNorm", "localMixing", "rematerialise", "aligner"] as const;
  return [
    ...switches.filter((name) => typeof config[name] !== "boolean").map((name) =>
      `${name} must be true or false`
    ),
    ...CHOICES.filter(([name, words]) => !(words as readonly string[]).includes(config[name])).map((
      [name, words, remark],
    ) => `${name} is ${JSON.stringify(config[name])}; it must be "${words.join('" or "')}"${remark}`),
  ];
}

/** JSON has no word for what is no finite number. */
const shown = (value: unknown) => typeof value === "number" ? String(value) : JSON.stringify(value);

/** What is wrong with a configuration, one sentence each. */
function problems(config: ModelConfig): string[] {
  const found: string[] = [];
  const whole = (name: keyof ModelConfig, low: number) => {
    const value = config[name];
    if (!Number.isSafeInteger(value) || (value as number) < low) {
      found.push(`${name} is ${shown(value)}; it must be a whole number of at least ${low}`);
    }
  };
  for (const name of ["imageSize", "patchSize", "width", "depth", "heads"] as const) whole(name, 1);
  for (const name of ["headLayers", "headWidth", "codeWidth", "decoderHeads"] as const) whole(name, 1);
  for (const name of ["decoderDepth", "viewSize", "classHeadWidth"] as const) whole(name, 0);
  const positive = (name: keyof ModelConfig, low = 0) => {
    const value = config[name];
    if (typeof value !== "number" || !Number.isFinite(value) || value < low) {
      found.push(`${name} is ${shown(value)}; it must be a number of at least ${low}`);
    }
  };
  for (const name of ["mlpRatio", "decoderMlpRatio", "initPosition", "initLinear"] as const) positive(name);
  if (!(config.dropPath >= 0 && config.dropPath < 1)) {
    found.push(
      `dropPath is ${config.dropPath}; it must be from 0 to below 1, because branches are divided by 1 − rate`,
    );
  }
  found.push(...wrongKinds(config));
  if (found.length > 0) return found;

  const divides = (whole: keyof ModelConfig, part: keyof ModelConfig) => {
    const [a, b] = [config[whole] as number, config[part] as number];
    if (a % b === 0) return;
    const near = Math.max(1, Math.round(a / b)) * b;
    found.push(`${whole} ${a} is not a multiple of ${part} ${b}; take ${whole} ${near}, or another ${part}`);
  };
  divides("imageSize", "patchSize");
  if (config.viewSize > config.imageSize) {
    found.push(
      `viewSize ${config.viewSize} is more than imageSize ${config.imageSize}: a view shows nothing that its picture lacks`,
    );
  }
  divides("viewSize", "patchSize");
  if (config.stem === "convolutions") {
    const halvings = Math.log2(config.patchSize);
    if (!Number.isInteger(halvings) || halvings < 1) {
      found.push(`patchSize ${config.patchSize} is no power of 2; convolutions of stride 2 cannot reach it`);
    } else if (config.width % 2 ** (halvings - 1) !== 0) {
      found.push(`width ${config.width} cannot be halved ${halvings - 1} times for the stem's convolutions`);
    }
  }
  if (config.classHeadWidth > 0 && config.classHead === "shared") {
    found.push(
      `classHeadWidth is ${config.classHeadWidth}, but class tokens share the patch tokens' head: take classHead "own", or classHeadWidth 0`,
    );
  } else if (config.classHeadWidth > 0 && config.headLayers === 1) {
    found.push(
      `classHeadWidth is ${config.classHeadWidth}, but heads of one layer have no hidden one: take headLayers 2 or more, or classHeadWidth 0`,
    );
  }
  divides("width", "heads");
  divides("codeWidth", "decoderHeads");
  if (config.codeWidth % 4 !== 0) {
    const near = 4 * Math.max(1, Math.round(config.codeWidth / 4));
    found.push(
      `codeWidth ${config.codeWidth} is not a multiple of 4, which the sine and cosine of two axes need; take ${near}`,
    );
  }
  const hidden = (ratio: "mlpRatio" | "decoderMlpRatio", width: "width" | "codeWidth") => {
    const size = config[ratio] * config[width];
    const whole = hiddenWidth(config[width], config[ratio]);
    if (!(whole >= 1 && Math.abs(size - whole) <= ROUNDING * whole)) {
      found.push(
        `${ratio} ${config[ratio]} times ${width} ${config[width]} is ${size}, no whole hidden width`,
      );
    }
  };
  hidden("mlpRatio", "width");
  hidden("decoderMlpRatio", "codeWidth");
  return found;
}

/**
 * Refuses a configuration that cannot be built.
 *
 * @param config The sizes.
 * @returns The same object.
 * @throws {RangeError} When a field is impossible; names every one, why, and what to take instead.
 */
export function checkModel(config: ModelConfig): ModelConfig {
  const found = problems(config);
  if (found.length > 0) throw new RangeError(`this model cannot be built: ${found.join("; ")}`);
  return config;
}
