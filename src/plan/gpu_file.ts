/** Descriptions of cards in files: text of XLA's GpuTargetConfigProto. */
import { basename } from "node:path";
import { pathError } from "../files/path_error.ts";
import { type Card, CARDS } from "./cards.ts";
import { PlanError } from "./compiler.ts";

/** A message in protobuf's text form: fields by name, each with all its values. */
interface Message {
  [field: string]: (string | Message)[];
}

/**
 * Reads protobuf's text form: `name: value` and `name { … }`, with comments.
 *
 * @throws {SyntaxError} When it is none.
 */
function parseMessage(text: string): Message {
  const words = text.matchAll(/#[^\n]*|"((?:[^"\\]|\\.)*)"|[{}:;,]|[^\s{}:;,"#]+/g);
  const tokens = Array.from(words, ([word]) => word).filter((word) => !/^[#;,]/.test(word));
  let at = 0;
  const message = (inner: boolean): Message => {
    const fields: Message = {};
    for (; at < tokens.length; at++) {
      const name = tokens[at];
      if (name === "}" && inner) return fields;
      if (!/^\w+$/.test(name)) throw new SyntaxError(`a field's name was expected, not ${name}`);
      const values = fields[name] ??= [];
      if (tokens[++at] === ":") at++;
      const value = tokens[at];
      if (value === "{") {
        at++;
        values.push(message(true));
      } else if (value === undefined || value === "}") throw new SyntaxError(`${name} has no value`);
      else values.push(value.replace(/^"(.*)"$/s, "$1"));
    }
    if (inner) throw new SyntaxError("a bracket is never closed");
    return fields;
  };
  return message(false);
}

const inner = (message: Message | undefined, name: string): Message | undefined => {
  const value = message?.[name]?.[0];
  return typeof value === "object" ? value : undefined;
};

/** The numbers of XLA's element types in its descriptions of units that multiply. */
const BF16 = "16", F32 = "11";

/** 10¹² operations a second of the units of a kind, where the description tells. */
function rate(device: Message, unit: string, element: string, cores: number): number | undefined {
  for (const info of inner(device, unit)?.rate_infos ?? []) {
    if (typeof info !== "object" || info.key?.[0] !== element) continue;
    const value = inner(info, "value");
    const [clock, units, ops] = ["clock_rate_ghz", "units_per_core", "ops_per_clock"].map((name) =>
      Number(value?.[name]?.[0])
    );
    const teraflops = 2 * clock * units * ops * cores / 1000; // A multiplication and an addition.
    if (teraflops > 0) return teraflops;
  }
  return undefined;
}

/**
 * A card from XLA's description of it, such as those in its repository under xla/backends/gpu/target_config/specs. Rates
 * of products are those of its `matrix_unit_description`, or of a known card of the same name.
 *
 * @param text The file's text.
 * @param name What it is called, in errors too.
 * @throws {PlanError} When it is no description of an NVIDIA card, or does not tell what is needed; says what.
 */
export function parseCard(text: string, name: string): Card {
  const wrong = (why: string) =>
    new PlanError(
      `${name} does not describe a card: ${why}. It must be the text of XLA's GpuTargetConfigProto, as the files in its ` +
        "repository under xla/backends/gpu/target_config/specs are",
    );
  let whole: Message;
  try {
    whole = parseMessage(text);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const device = inner(whole, "gpu_device_info");
  if (!device) throw wrong("it has no gpu_device_info");
  const platform = whole.platform_name?.[0];
  if (platform !== undefined && platform !== "CUDA") throw wrong(`its platform is ${platform}, not CUDA`);
  const number = (field: string) => {
    const value = Number(device[field]?.[0]);
    if (!(value > 0)) throw wrong(`gpu_device_info.${field} is ${device[field]?.[0] ?? "missing"}`);
    return value;
  };
  if (!inner(device, "cuda_compute_capability")) throw wrong("it has no cuda_compute_capability");
  const cores = number("core_count"), clock = number("clock_rate_ghz"), fpus = number("fpus_per_core");
  const memory = number("device_memory_size"), bandwidth = number("memory_bandwidth");
  const kind = String(whole.device_description_str?.[0] ?? device.name?.[0] ?? name);
  const same = Object.values(CARDS).find((card) => card.kind === kind);
  const bfloat16 = rate(device, "matrix_unit_description", BF16, cores) ?? same?.teraflops.bfloat16;
  if (bfloat16 === undefined) {
    throw wrong(
      "it has no matrix_unit_description, which tells how fast it multiplies, and no known card has its name",
    );
  }
  return {
    name: basename(name).replace(/\.\w+$/, ""),
    kind,
    source: `the description in ${name}`,
    teraflops: {
      bfloat16,
      tf32: rate(device, "matrix_unit_description", F32, cores) ?? same?.teraflops.tf32 ?? bfloat16 / 2,
      float32: same?.teraflops.float32 ?? 2 * clock * cores * fpus / 1000,
    },
    memory,
    bandwidth,
    link: same?.link ?? { name: "PCIe 4.0 ×16", bytes: 32e9 },
    target: text,
  };
}

/**
 * Reads a card from a file, see {@linkcode parseCard}.
 *
 * @throws {PlanError} When it is no description of an NVIDIA card, or does not tell what is needed.
 * @throws {Error} When it cannot be read.
 */
export async function readCard(path: string): Promise<Card> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw pathError(error, path, "read");
  }
  return parseCard(text, path);
}
