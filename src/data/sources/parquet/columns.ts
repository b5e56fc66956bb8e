/** Which columns of a Parquet file hold pictures and classes. */
import type { SchemaTree } from "npm:hyparquet@1.31.5";
import type { PassedOver } from "../../types.ts";
import { hasPictureWord, isPictureField, LABEL_NAMES, labelRank, pictureRank } from "../field_names.ts";

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

/** A column that was found, and those that it was not. */
export interface FoundColumn<L = SchemaTree> {
  leaf: L;
  /** Columns that would do as well, and columns of such a name that do not. */
  passedOver: PassedOver[];
}

/** Where a column's bytes are: in itself, or in its part called `bytes`. */
function bytesOf(child: SchemaTree): SchemaTree | undefined {
  return [child, ...child.children.filter((one) => nameOf(one) === "bytes")].find((one) =>
    one.children.length === 0 && !isText(one) &&
    ["BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"].includes(one.element.type ?? "")
  );
}

/**
 * The column of pictures: one that Hugging Face's metadata calls an image, a struct with `bytes`, a column of bytes with
 * a picture's name, or the only column of bytes, or the only one with a picture's word in its name. Of several such the one
 * with the most telling name is taken, so that a mask stands behind the picture that it is of.
 *
 * @param wanted The column's name or path, where the user says it.
 * @throws {Error} There is none, or the wanted one holds no bytes.
 */
export function findPicture(
  root: SchemaTree,
  features: ReadonlyMap<string, Feature>,
  wanted?: string,
): FoundColumn {
  const { children } = root;
  if (wanted !== undefined) {
    const node = nodeAt(root, wanted), leaf = node && bytesOf(node);
    if (leaf) return { leaf, passedOver: [] };
    throw new Error(`column "${wanted}" holds no pictures' bytes; it has: ${columnNames(root)}`);
  }
  const holders = children.filter((child) => bytesOf(child) !== undefined);
  const bare = holders.filter(({ children, element }) =>
    children.length === 0 && element.type === "BYTE_ARRAY"
  );
  const sorts = [
    holders.filter((child) => features.get(nameOf(child))?.type === "Image"),
    holders.filter((child) => child.children.length > 0),
    holders.filter((child) => isPictureField(nameOf(child))),
    only(bare.filter((child) => hasPictureWord(nameOf(child)))),
    only(bare),
    only(holders.filter((child) => hasPictureWord(nameOf(child)))),
  ];
  const found = sorts.find((several) => several.length > 0)
    ?.toSorted((a, b) => pictureRank(nameOf(a)) - pictureRank(nameOf(b)));
  if (!found) throw new Error(whyNoPictures(root, bare));
  const [taken, ...others] = found;
  const why = `could hold pictures too; ${nameOf(taken)} is taken, another can be named by #column=NAME`;
  return { leaf: bytesOf(taken)!, passedOver: others.map((child) => notTaken(child, why)) };
}

function whyNoPictures(root: SchemaTree, bare: readonly SchemaTree[]): string {
  const list = root.children.find((child) => hasListedBytes(child));
  if (bare.length > 1) {
    return `no column that is certainly of pictures; say which one by #column=NAME: ${
      bare.map(nameOf).join(", ")
    }`;
  }
  const has = `it has: ${columnNames(root)}`;
  if (list) return `column ${nameOf(list)} holds lists of pictures; write a row for each picture. ${has}`;
  const text = root.children.find((child) => isText(child) && isPictureField(nameOf(child)));
  if (text) {
    return `column ${
      nameOf(text)
    } holds texts, such as files' names, and no pictures; name the pictures' folder, or write ` +
      `their bytes into the file. ${has}`;
  }
  const inner = root.children.flatMap(({ children }) => children).find((child) => bytesOf(child));
  if (inner) return `pictures may be in a part of a struct; name it: #column=${inner.path.join(".")}. ${has}`;
  return `no column of pictures (a struct with bytes, bytes called image, jpg …, or one column of bytes alone); ${has}`;
}

/** Whether elements of a list have a part called `bytes`. */
function hasListedBytes(node: SchemaTree, listed = false): boolean {
  const inList = listed || node.element.repetition_type === "REPEATED";
  return (inList && nameOf(node) === "bytes") || node.children.some((child) => hasListedBytes(child, inList));
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
 * The column of classes: one that Hugging Face's metadata calls a class label, of several the one with the most telling
 * name; or one with a label's name.
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
): FoundColumn<SchemaTree | null> {
  if (wanted !== undefined) {
    const node = nodeAt(root, wanted);
    const why = node ? whyNoClasses(root, node) : "is not there";
    if (!node || why) throw new Error(`column "${wanted}" ${why}; the file has: ${columnNames(root)}`);
    return { leaf: node, passedOver: [] };
  }
  const candidates = root.children.filter((child) => child !== picture && !child.children.includes(picture));
  const isClass = (child: SchemaTree) => features.get(nameOf(child))?.type === "ClassLabel";
  const named = [
    ...candidates.filter(isClass).sort((a, b) => labelRank(nameOf(a)) - labelRank(nameOf(b))),
    ...LABEL_NAMES.flatMap((name) => candidates.filter((child) => nameOf(child).toLowerCase() === name)),
  ];
  const passedOver: PassedOver[] = [];
  for (const child of new Set(named)) {
    const why = whyNoClasses(root, child);
    if (!why) {
      const others = candidates.filter((one) => isClass(one) && one !== child);
      const told = `holds classes too; ${nameOf(child)} is taken, another can be named by #label=NAME`;
      return { leaf: child, passedOver: [...passedOver, ...others.map((one) => notTaken(one, told))] };
    }
    passedOver.push(notTaken(child, `${why}; another column can be named by #label=NAME`));
  }
  return { leaf: null, passedOver };
}

/** What is told of a column that is not taken. */
function notTaken(column: SchemaTree, why: string): PassedOver {
  return { what: "column", why, count: 1, example: nameOf(column) };
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
