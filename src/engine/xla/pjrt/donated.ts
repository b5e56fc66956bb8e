/**
 * The arguments of a StableHLO program's `@main` whose buffers a run takes over: those with a `tf.aliasing_output`
 * or `jax.buffer_donor` attribute.
 */
export function donatedArguments(stablehlo: string): number[] {
  const main = /func\.func\s+(?:public\s+)?@main\s*\(/.exec(stablehlo);
  if (!main) return [];
  const donated: number[] = [];
  let index = 0;
  let depth = 1;
  let start = main.index + main[0].length;
  let quoted = false;
  for (let i = start; depth > 0 && i < stablehlo.length; i++) {
    const c = stablehlo[i];
    if (quoted) {
      if (c === "\\") i++;
      else if (c === '"') quoted = false;
      continue;
    }
    if (c === '"') quoted = true;
    else if (c === "(" || c === "{" || c === "<" || c === "[") depth++;
    else if (c === ")" || c === "}" || c === "]" || (c === ">" && stablehlo[i - 1] !== "-")) depth--;
    if (depth === 0 || (depth === 1 && c === ",")) {
      if (/\b(tf\.aliasing_output|jax\.buffer_donor)\b/.test(stablehlo.slice(start, i))) donated.push(index);
      index++;
      start = i + 1;
    }
  }
  return donated;
}
