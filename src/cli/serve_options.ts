/** Options of commands that serve a page. */
import type { Given, Options } from "./command.ts";
import { list, onOff, text, whole } from "./kinds.ts";
import { UsageError } from "./usage_error.ts";

/** What a command that can serve a page takes. */
export const SERVE = {
  serve: { kind: onOff, help: "serve a page, until it is stopped" },
  port: { kind: whole(0, 65535), help: "with --serve: the port; 0: any free one" },
  host: {
    kind: text,
    help: "with --serve: the address to listen at; 0.0.0.0 lets other machines see the page",
    usually: "127.0.0.1",
  },
  hostName: {
    kind: list(text),
    help:
      "with --serve: further names that the server answers to, such as that of a reverse proxy which passes it on",
    value: "NAMES",
    usually: "addresses, localhost and this machine's name",
  },
} as const satisfies Options;

/** What a note of such a command says. */
export const SERVE_NOTE =
  "What is served asks for no password; behind a reverse proxy it may lie below any path that ends with a slash.";

/**
 * What the server takes of such options; undefined without `--serve`.
 *
 * @throws {UsageError} When the others were given without it.
 */
export function serveArguments(
  { serve, port, host, hostName }: Given<Record<never, never>, typeof SERVE>,
): { port?: number; host?: string; hostNames?: readonly string[] } | undefined {
  if (serve) return { port, host, hostNames: hostName };
  if (port !== undefined || host !== undefined || hostName !== undefined) {
    throw new UsageError("--port, --host and --host-name belong to --serve");
  }
}
