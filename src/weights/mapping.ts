/** What of a file was taken and what was not, for people. */

/** The numbers of a list as `0–11`, or `0–3,7`. */
function ranges(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b), parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (sorted[j + 1] === sorted[j] + 1) j++;
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}–${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(",");
}

/** A name with its block's number, the first one in it, and its last part taken out. */
function pattern(name: string): { base: string; block: number | undefined; end: string } {
  const [, base, end = ""] = /^(.*?)(?:\.(weight|bias|gamma|lambda1))?$/.exec(name)!;
  const block = /\.(\d+)\./.exec(`${base}.`);
  return { base: base.replace(/\.\d+(?=\.|$)/, ".#"), block: block ? Number(block[1]) : undefined, end };
}

/** Tensors whose names differ in the block's number and in weight or bias alone. */
interface Group {
  from: string;
  to: string;
  blocks: number[];
  ends: Set<string>;
}

/**
 * Pairs of names in short: all blocks in one line, weight and bias too.
 *
 * @param pairs The file's name of a tensor and ours, or what is said of it.
 * @returns Lines such as `encoder.layer.0–11.layernorm_before.{weight,bias} → blocks.0–11.norm1`.
 */
export function groupNames(pairs: readonly (readonly [from: string, to: string])[]): string[] {
  const groups = new Map<string, Group>();
  for (const [from, to] of pairs) {
    const { base, block, end } = pattern(from), target = pattern(to.replace(/#\d$/, "")).base;
    const key = `${base}\n${target}`;
    if (!groups.has(key)) groups.set(key, { from: base, to: target, blocks: [], ends: new Set() });
    const group = groups.get(key)!;
    if (block !== undefined) group.blocks.push(block);
    if (end !== "") group.ends.add(end);
  }
  return [...groups.values()].map(({ from, to, blocks, ends }) => {
    const numbered = (name: string) => name.replace("#", ranges(blocks));
    const end = ends.size === 0 ? "" : ends.size === 1 ? `.${[...ends][0]}` : `.{${[...ends].join(",")}}`;
    const source = numbered(from) + end;
    return to === "" ? source : `${source} → ${numbered(to)}`;
  });
}
