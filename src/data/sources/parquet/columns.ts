/** Which columns of a Parquet file hold pictures and classes. */
import type { SchemaTree } from "npm:hyparquet@1.31.5";
import type { PassedOver } from "../../types.ts";

/** Columns that are taken for pictures when they hold bytes and nothing else tells. */
const PICTURE_NAMES = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "bytes", "content"];

/** Columns that are taken for classes, the most telling first. */
const LABEL_NAMES = [
  "label",
  "labels",
  "cls",
  "class",
  "class_id",
  "fine_label",
  "target",
  "category",
  "category_id",
  "class_name",
  "class_label",
  "label_id",
  "label_name",
  "label_text",
  "category_name",
  "coarse_label",
];

/** Types of columns that are read. */
export type ColumnType =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

/** How a column's values are stored. */
export interface Column {
  /** Its path, such as `image.bytes`. */
  name: string;
  type: ColumnType;
  /** Bytes of a value of fixed length. */
  length: number;
  /** Whether whole numbers have no sign. */
  unsigned: boolean;
  /** Levels that may be null. */
  levels: number;
}

/** What Hugging Face's metadata says of a column. */
export interface Feature {
  type: string;
  /** Class names. */
  names: string[];
}

const nameOf = (node: SchemaTree) => node.element.name;

/** The columns of a file, for messages: the first two dozen. */
function columnNames(root: SchemaTree): string {
  const names = root.children.map(nameOf);
  return names.length > 24 ? `${names.slice(0, 24).join(", ")} … (${names.length})` : names.join(", ");
}

const isText = ({ element }: SchemaTree) =>
  element.converted_type === "UTF8" || element.logical_type?.type === "STRING";

/**
 * The column of pictures: the one that Hugging Face's metadata calls an image, a struct with `bytes`, a column of bytes with
 * a picture's name, or the only column of bytes.
 *
 * @param wanted The column's name, where the user says it.
 * @throws {Error} There is none, or the wanted one holds no bytes.
 */
export function findPicture(
  root: SchemaTree,
  features: ReadonlyMap<string, Feature>,
  wanted?: string,
): SchemaTree {
  const leafOf = (child: SchemaTree): SchemaTree | undefined =>
    [child, ...child.children.filter((one) => nameOf(one) === "bytes")]
      .find((one) => one.children.length === 0 && one.element.type === "BYTE_ARRAY");
  const { children } = root;
  const candidates = wanted !== undefined ? children.filter((child) => nameOf(child) === wanted) : [
    ...children.filter((child) => features.get(nameOf(child))?.type === "Image"),
    ...children.filter((child) => child.children.some((one) => nameOf(one) === "bytes")),
    ...PICTURE_NAMES.flatMap((known) => children.filter((child) => nameOf(child).toLowerCase() === known)),
    ...only(children.filter((child) => child.children.length === 0 && leafOf(child) && !isText(child))),
  ];
  const leaf = candidates.map(leafOf).find((one) => one !== undefined && !isText(one));
  if (leaf) return leaf;
  throw new Error(
    wanted === undefined
      ? "no column of pictures (a struct with bytes, bytes called image, jpg …, or one column of bytes alone); it has: " +
        columnNames(root)
      : `column "${wanted}" holds no pictures' bytes; it has: ${columnNames(root)}`,
  );
}

/** The text beside a picture's bytes in their struct that names its file; null where there is none. */
export function findPath(root: SchemaTree, picture: SchemaTree): SchemaTree | null {
  if (picture.path.length < 2) return null;
  const struct = nodeAlong(root, picture.path.slice(0, -1));
  const path = struct.children.find((child) => nameOf(child) === "path" && child.children.length === 0);
  return path?.element.type === "BYTE_ARRAY" ? path : null;
}

const only = <T>(items: T[]): T[] => items.length === 1 ? items : [];

/**
 * The column of classes: the one that Hugging Face's metadata calls a class label, or one with a label's name.
 *
 * @param picture The pictures' column, which is none.
 * @param wanted The column's name or path, where the user says it.
 * @returns The column, null where there is none; and columns with a label's name that hold no classes.
 * @throws {Error} The wanted column is not there, or can hold no classes.
 */
export function findLabel(
  root: SchemaTree,
  features: ReadonlyMap<string, Feature>,
  picture: SchemaTree,
  wanted?: string,
): { leaf: SchemaTree | null; passedOver: PassedOver[] } {
  if (wanted !== undefined) {
    const node = nodeAt(root, wanted);
    const why = node ? whyNoClasses(root, node) : "is not there";
    if (!node || why) throw new Error(`column "${wanted}" ${why}; the file has: ${columnNames(root)}`);
    return { leaf: node, passedOver: [] };
  }
  const candidates = root.children.filter((child) => child !== picture && !child.children.includes(picture));
  const named = [
    ...candidates.filter((child) => features.get(nameOf(child))?.type === "ClassLabel"),
    ...LABEL_NAMES.flatMap((name) => candidates.filter((child) => nameOf(child).toLowerCase() === name)),
  ];
  const passedOver: PassedOver[] = [];
  for (const child of new Set(named)) {
    const why = whyNoClasses(root, child);
    if (!why) return { leaf: child, passedOver };
    const advice = `${why}; another column can be named by #label=NAME`;
    passedOver.push({ what: "column", why: advice, count: 1, example: nameOf(child) });
  }
  return { leaf: null, passedOver };
}

/** The node at a path: a column whose name has dots goes before parts of structs. */
function nodeAt(root: SchemaTree, path: string): SchemaTree | undefined {
  const whole = root.children.find((child) => nameOf(child) === path);
  return whole ?? path.split(".").reduce<SchemaTree | undefined>(
    (node, part) => node?.children.find((child) => nameOf(child) === part),
    root,
  );
}

/** Types of values that are told apart by more than their class. */
const NO_CLASSES = /^(DATE|TIME|TIMESTAMP|DECIMAL|UUID|INTERVAL|GEO|BSON|JSON|VARIANT|FLOAT16)/;

function whyNoClasses(root: SchemaTree, node: SchemaTree): string | null {
  const onTheWay = node.path.map((_, i) => nodeAlong(root, node.path.slice(0, i + 1)));
  const isList = onTheWay.some(({ element }) => element.repetition_type === "REPEATED") ||
    (node.children.length === 1 && node.children[0].element.repetition_type === "REPEATED");
  if (isList) return "holds lists, of which none says which class is meant";
  if (node.children.length > 0) {
    const parts = node.children.map((child) => child.path.join(".")).join(", ");
    return `holds structs; name one of their parts (${parts})`;
  }
  const { type, converted_type: converted, logical_type: logical } = node.element;
  const kind = logical?.type ?? converted ?? "";
  if (NO_CLASSES.test(kind)) return `holds values of type ${kind}, which are no classes`;
  return type === "INT96" ? "holds timestamps, which are no classes" : null;
}

const nodeAlong = (root: SchemaTree, path: readonly string[]): SchemaTree =>
  path.reduce((node, part) => node.children.find((child) => nameOf(child) === part)!, root);

/**
 * How a leaf's values are stored.
 *
 * @throws {Error} They are lists, or of a type that is not read.
 */
export function columnOf(root: SchemaTree, leaf: SchemaTree): Column {
  const name = leaf.path.join(".");
  let levels = 0;
  leaf.path.forEach((_, i) => {
    const { repetition_type: repetition } = nodeAlong(root, leaf.path.slice(0, i + 1)).element;
    if (repetition === "REPEATED") throw new Error(`column ${name} holds lists, which are no pictures`);
    if (repetition !== "REQUIRED") levels++;
  });
  const { type, type_length: length = 0, converted_type: converted, logical_type: logical } = leaf.element;
  const sized = type !== "FIXED_LEN_BYTE_ARRAY" || length > 0;
  if (type === undefined || type === "INT96" || !sized) throw new Error(`column ${name} is of type ${type}`);
  const unsigned = converted?.startsWith("UINT_") || (logical?.type === "INTEGER" && !logical.isSigned);
  return { name, type, length, unsigned: Boolean(unsigned), levels };
}
