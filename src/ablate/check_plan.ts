/** What a plan must be, whoever wrote it. */
import { isObject } from "../files/json_values.ts";
import { ConfigError } from "../train/config/config.ts";
import { requireSeed } from "../random.ts";
import type { AblationPlan } from "./types.ts";
import { BASELINES, commonKey, VARIANT_NAME } from "./variants.ts";

/** What repeats in a list; undefined where nothing does. */
const twice = <T>(list: readonly T[]) => list.find((one, i) => list.indexOf(one) < i);

/**
 * Refuses a plan that cannot be carried out.
 *
 * @throws {ConfigError} When a part is missing or none, settings are none of an ablation, a seed or a name stands twice, or
 * there is nothing to do.
 */
export function checkPlan(plan: AblationPlan): void {
  if (!isObject(plan)) {
    throw new ConfigError("the plan must be an object, such as `await readPlan(FOLDER)` gives");
  }
  const { given, variants, baselines, seeds, pictures } = plan;
  if (!isObject(given)) throw new ConfigError("the plan's `given` must be settings");
  const own = (["init", "process"] as const).find((key) => given[key]);
  if (own) {
    throw new ConfigError(
      `the plan's \`given\` has ${own}: runs of an ablation begin with random weights and learn from all of the data; leave ` +
        "it out",
    );
  }
  for (const [name, list] of Object.entries({ variants, baselines, seeds })) {
    if (!Array.isArray(list)) throw new ConfigError(`the plan's \`${name}\` must be a list`);
  }
  for (const variant of variants) {
    if (
      !isObject(variant) || !VARIANT_NAME.test(variant.name) || !isObject(variant.settings)
    ) {
      throw new ConfigError(
        `${
          JSON.stringify(variant)
        } is no variant: it needs a name of small letters, digits and "-", and settings`,
      );
    }
    const common = commonKey(variant.settings);
    if (common) {
      throw new ConfigError(`variant ${variant.name}: ${common} is the same for all variants; leave it out`);
    }
  }
  const strange = baselines.find((name) => !BASELINES.includes(name));
  if (strange !== undefined) {
    throw new ConfigError(`"${strange}" is no baseline; there are ${BASELINES.join(", ")}`);
  }
  try {
    seeds.forEach(requireSeed);
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
  const names: (string | number)[] = [...variants.map(({ name }) => name), ...baselines];
  const again = twice(names) ?? twice(seeds);
  if (again !== undefined) throw new ConfigError(`the plan has ${again} twice`);
  if (names.length === 0 || seeds.length === 0) throw new ConfigError("the plan has no variant, or no seed");
  if (!(pictures > 0 && pictures < Infinity)) {
    throw new ConfigError(`the plan's \`pictures\` is ${pictures}; it must be a number above 0`);
  }
}
