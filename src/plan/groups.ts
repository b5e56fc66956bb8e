/** Which devices exchange with each other, as optimised programs say it in `replica_groups`. */

const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1);

/** The numbers of a list such as `2,4`. */
const numbers = (list: string) => list.split(",").filter((item) => item.trim() !== "").map(Number);

/** Where the elements of the chosen axes lie in a row-major array, with 0 for the others. */
function placesOf(sizes: readonly number[], chosen: readonly number[]): number[] {
  return chosen.reduce<number[]>((places, axis) => {
    const stride = product(sizes.slice(axis + 1));
    return places.flatMap((place) => Array.from({ length: sizes[axis] }, (_, i) => place + i * stride));
  }, [0]);
}

/** Of a mesh with named axes, such as `mesh['a'=2,'b'=4] {'b'}`: the devices along the axes in braces. */
function inMesh(axes: string, over: string): number[] | undefined {
  const known = Array.from(
    axes.matchAll(/'([^']*)'=(\d+)/g),
    ([, name, size]) => ({ name, size: Number(size) }),
  );
  const names = Array.from(over.matchAll(/'([^']*)'/g), ([, name]) => name);
  const chosen = names.map((name) => known.findIndex((axis) => axis.name === name));
  // Parts of an axis are written behind its name.
  if (chosen.includes(-1) || over.includes(":") || names.length === 0) return undefined;
  return placesOf(known.map(({ size }) => size), chosen);
}

/** Of `[2,4]<=[4,2]T(1,0)`: numbers 0, 1, … in the shape behind the arrow, their axes changed, cut into rows. */
function inRows(rows: string, shape: string, order: string | undefined): number[] {
  const sizes = numbers(shape), [, length] = numbers(rows);
  const axes = order === undefined ? sizes.map((_, axis) => axis) : numbers(order);
  return placesOf(sizes, axes).slice(0, length);
}

/**
 * The numbers of the devices of an exchange's first group; all groups are alike.
 *
 * @param attributes Of the operation.
 * @returns Undefined where all devices exchange, or the groups are written in a way that is not known here.
 */
export function groupOf(attributes: string): number[] | undefined {
  const mesh = /replica_groups=mesh\[([^\]]*)\] ?\{([^}]*)\}(?!, ?device_ids)/.exec(attributes);
  if (mesh) return inMesh(mesh[1], mesh[2]);
  const rows = /replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?/.exec(attributes);
  if (rows) return inRows(rows[1], rows[2], rows[3]);
  const listed = /replica_groups=\{\{([\d,]+)\}/.exec(attributes);
  return listed ? numbers(listed[1]) : undefined;
}
