export { isPathError, pathError, requirePath } from "../../files/path_error.ts";

/** True for what a server has. */
export function isRemote(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/** Joins a folder and a name with one slash. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** Orders strings by their code units, the same on every machine and in every language. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
