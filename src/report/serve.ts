import { createHash } from "node:crypto";
import { join } from "node:path";
import { isInside } from "./figures.ts";
import { reportPage } from "./page.ts";
import type { Report } from "./types.ts";
import { HEADERS, type ServedPage, type ServeOptions, servePage, textAnswer } from "../web/server.ts";
import { openReport } from "./write.ts";

/** The port where none is said. */
export const REPORT_PORT = 8420;

/** Seconds between two looks of a page for something new. */
const REFRESH = 5;

/** Milliseconds for which what was read counts as new. */
const FRESH = 1000;

/** A report, and what tells it from others. */
interface Version {
  report: Report;
  json: string;
  tag: string;
}

/** The files of a run folder that a page shows. */
const FILE =
  /^\/runs\/(\d{1,3})\/(figures\/(?:gallery|step-\d+-(?:reconstruction|attention))\.jpg|reconstruction\.png|detections\.png)$/;

/** Reads the report when it is asked for, one time at once and not more often than it can have changed. */
async function versions(folders: readonly string[]): Promise<() => Promise<Version>> {
  const reader = await openReport(folders, { refresh: REFRESH });
  let last: Version | undefined, read = -Infinity, reading: Promise<Version> | undefined;
  const next = async (): Promise<Version> => {
    const report = await reader.read(), { made, ...rest } = report;
    const tag = `"${createHash("sha256").update(JSON.stringify(rest)).digest("base64url").slice(0, 22)}"`;
    if (last?.tag !== tag) last = { report, json: JSON.stringify({ ...rest, made }), tag };
    read = performance.now();
    return last;
  };
  return () => {
    if (last && performance.now() - read < FRESH) return Promise.resolve(last);
    return reading ??= next().finally(() => reading = undefined);
  };
}

/** A file of a run, whole. */
async function fileAnswer(folders: readonly string[], path: string): Promise<Response> {
  const [, number, name] = FILE.exec(path) ?? [], folder = folders[Number(number)];
  if (name === undefined || folder === undefined || !await isInside(folder, name)) {
    return textAnswer(404, "there is no such file");
  }
  const type = name.endsWith(".png") ? "image/png" : "image/jpeg";
  // Its address names the time of its last change, so it never changes.
  const headers = { ...HEADERS, "content-type": type, "cache-control": "private, max-age=86400" };
  return new Response(await Deno.readFile(join(folder, name)), { headers });
}

/**
 * Serves the report of runs as a page that keeps itself up to date, also of runs that are going on. All addresses in it are
 * relative, so it may lie below any path of a reverse proxy. Nothing but the page and the pictures in it is served, and
 * only to requests for a name of this machine.
 *
 * @param folders The run folders, at least one.
 * @throws {RangeError} When no folder is named, or more than 50, or a host's name is none.
 * @throws {Error} When one of them is no run folder, or the port is in use.
 */
export async function serveReport(
  folders: readonly string[],
  { port = REPORT_PORT, ...options }: ServeOptions = {},
): Promise<ServedPage> {
  const latest = await versions(folders);
  const answer = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    if (path !== "/" && path !== "/report.json") return await fileAnswer(folders, path);
    const { report, json, tag } = await latest();
    if (path === "/") {
      const headers = { ...HEADERS, "content-type": "text/html; charset=utf-8" };
      return new Response(await reportPage(report), { headers });
    }
    const headers = { ...HEADERS, "content-type": "application/json", etag: tag };
    const known = request.headers.get("if-none-match")?.includes(tag);
    return known ? new Response(null, { status: 304, headers }) : new Response(json, { headers });
  };
  return servePage("report", ["GET", "HEAD"], answer, { port, ...options });
}
