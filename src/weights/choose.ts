/** Which of a file's tensors are the encoder that is meant. */
import { type TensorSet, WeightsError, type WeightsFile } from "./files/types.ts";
import { NAME_FORMATS, type NameFormat } from "./names.ts";

/** Which encoder of a file is meant, where it holds several. */
export interface ChoiceOptions {
  /** The dict of tensors to take, such as `student` or `model_ema`. Default: see {@linkcode chooseEncoder}. */
  key?: string;
  /** Take the averaged weights: DINO's teacher, or `model_ema`. */
  teacher?: boolean;
}

/** An encoder found in a file. */
export interface FoundEncoder {
  /** The dict that it is in; "" for the file itself. */
  key: string;
  /** What stands before the encoder's names in it, such as `module.backbone.`. */
  prefix: string;
  format: NameFormat;
  set: TensorSet;
}

/** Every encoder in a file: where a name ends with a format's sign. */
function encodersIn(file: WeightsFile): FoundEncoder[] {
  const found: FoundEncoder[] = [];
  for (const [key, set] of file.sets) {
    for (const name of set.keys()) {
      const format = NAME_FORMATS.find(({ sign }) => name === sign || name.endsWith(`.${sign}`));
      if (format) found.push({ key, set, format, prefix: name.slice(0, -format.sign.length) });
    }
  }
  return found;
}

/** Where an encoder is, as `--key` names it; "" for the file itself. */
function whereIs({ key, prefix }: FoundEncoder): string {
  return [key, prefix.replace(/\.$/, "")].filter((part) => part !== "").join(".");
}

/** The encoders that a name may mean: that of just this place, else all whose place has it as a part. */
function encodersNamed(all: readonly FoundEncoder[], name: string): readonly FoundEncoder[] {
  const exact = all.filter((one) => whereIs(one) === name || (name !== "" && one.key === name));
  return exact.length > 0 ? exact : all.filter((one) => `.${whereIs(one)}.`.includes(`.${name}.`));
}

/** An encoder without the tensors of others whose names begin as its own do, as those of `ema.` beside a bare one. */
function alone(one: FoundEncoder, all: readonly FoundEncoder[]): FoundEncoder {
  const inner = all.filter(({ key, prefix }) => key === one.key && prefix.length > one.prefix.length);
  const others = inner.map(({ prefix }) => prefix).filter((prefix) => prefix.startsWith(one.prefix));
  if (others.length === 0) return one;
  const own = [...one.set].filter(([name]) => !others.some((prefix) => name.startsWith(prefix)));
  return { ...one, set: new Map(own) };
}

/** A word in a name, as in `model_ema`, `momentum_backbone` (solo-learn) and `target_encoder` (MSN, BYOL). */
const AVERAGED = /(^|[._])(teacher|ema|momentum|target)([._]|$)|(^|\.)encoder_k(\.|$)/;
const TRAINED = /(^|\.)(student|model|state_dict|net|encoder_q)(\.|$)/;
const isAveraged = ({ key, prefix }: FoundEncoder) => AVERAGED.test(key) || AVERAGED.test(prefix);
const isTrained = ({ key, prefix }: FoundEncoder) => TRAINED.test(key) || TRAINED.test(prefix);

/** Whether an encoder is beside the head of this method, whose trained part is the student. */
function isReference({ set, prefix }: FoundEncoder): boolean {
  return set.has(`${prefix.replace(/backbone\.$/, "")}head.mask_feat`);
}

/** Of several, the one that is usually meant. */
function usual(found: readonly FoundEncoder[]): FoundEncoder | undefined {
  const student = found.find((one) => isReference(one) && isTrained(one));
  // DINO publishes and evaluates the teacher.
  const teacher = found.find((one) => /(^|\.)teacher/.test(`${one.key}.${one.prefix}`));
  const plain = found.filter(({ key }) => key === "");
  return student ?? teacher ?? found.find((one) => isTrained(one) && !isAveraged(one)) ??
    (plain.length === 1 ? plain[0] : undefined);
}

/** Without any encoder: what there is instead. */
function nothingFound(file: WeightsFile): never {
  const [largest] = [...file.sets.values()].sort((a, b) => b.size - a.size);
  const names = [...largest?.keys() ?? []], shown = names.slice(0, 4).map((name) => `"${name}"`).join(", ");
  const odd = names.find((name) => /(^|\.)patch_embed/.test(name));
  const why = odd
    ? `its patch embedding is no plain convolution ("${odd}")`
    : `its tensors are ${shown || "none"} …`;
  throw new WeightsError(
    `${file.path}: ${file.what} without a vision transformer that is known here: ${why}. Known are ` +
      `${NAME_FORMATS.map(({ what }) => what).join(", ")}: one of them has a "…${NAME_FORMATS[0].sign}"`,
  );
}

/**
 * Finds the encoder that is meant. Of several: the dict `key`; with `teacher` the averaged one; else of a file of this
 * method the student (what the reference evaluates), of DINO's the teacher, of others the trained one (`model`,
 * `state_dict`, `student`).
 *
 * @throws {WeightsError} When there is none, or nobody can tell which is meant; names those that there are.
 */
export function chooseEncoder(file: WeightsFile, { key, teacher }: ChoiceOptions): FoundEncoder {
  const all = encodersIn(file);
  if (all.length === 0) nothingFound(file);
  const there = all.map((one) => `"${whereIs(one)}"`).map((name) =>
    name === '""' ? '"" (the file itself)' : name
  )
    .join(", ");
  const named = key === undefined ? all : encodersNamed(all, key);
  if (named.length === 0) {
    throw new WeightsError(`${file.path}: has no encoder in "${key}"; it has one in ${there}`);
  }
  if (teacher) {
    const averaged = named.find(isAveraged);
    if (averaged) return alone(averaged, all);
    throw new WeightsError(`${file.path}: has no averaged weights; it has an encoder in ${there}`);
  }
  const one = named.length === 1 ? named[0] : usual(named);
  if (one) return alone(one, all);
  throw new WeightsError(`${file.path}: has several encoders: say which with --key: ${there}`);
}
