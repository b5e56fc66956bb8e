export { isPathError, pathError, requirePath } from "../../files/path_error.ts";

/** True for what a server has. */
export function isRemote(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/** Joins a folder and a name with one slash. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** What stands behind a path's last slash. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What stands before a path's last slash; nothing where there is none. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Orders strings by their code units, the same on every machine and in every language. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
