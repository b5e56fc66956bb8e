import { childEnvironment } from "../files/child.ts";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { cacheFolder, makeCacheFolder } from "../files/cache_folder.ts";
import { clearLeftovers, openDraft } from "../files/draft.ts";
import { lockPlace } from "../files/lock.ts";
import { byteQueue, fileChunks } from "../data/io/reader/chunks.ts";
import { gunzipped } from "../data/io/reader/gunzip.ts";
import { tarMembers } from "../data/sources/tar/members.ts";
import { type Hand, HANDS, type Meaning, selectMeanings } from "./select.ts";

/** The version of both packages. */
export const EMOJI_VERSION = "16.0.0";

/** What the registry says of the packages' tarballs; anything else is refused. */
export const INTEGRITY: Readonly<Record<Hand, string>> = {
  google: "sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
  twitter: "sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==",
};

/** The demo's pictures as files: `folder/<hand>/<unified>.png`. */
export interface EmojiFolder {
  folder: string;
  meanings: Meaning[];
}

/** How to get the pictures; everything has a default. */
export interface FetchOptions {
  /** The folder that holds the result, made if need be. Default: in the cache. */
  folder?: string;
  /** Brings a hand's tarball into `folder` and returns its path. Default: the npm client. */
  download?: (hand: Hand, folder: string) => Promise<string>;
  integrity?: Readonly<Record<Hand, string>>;
  /** Takes lines for people. */
  progress?: (line: string) => void;
}

const LIST = "meanings.json";
const INSTEAD = "or train on pictures of your own: --data FOLDER";

/** Has the npm client download a package's tarball; it knows the user's registry, proxy and certificates. */
async function npmPack(hand: Hand, folder: string): Promise<string> {
  const spec = `emoji-datasource-${hand}@${EMOJI_VERSION}`;
  const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(npm, {
      args: ["pack", spec, "--pack-destination", folder, "--ignore-scripts", "--loglevel=error", "--json"],
      stdin: "null",
      ...childEnvironment(),
    }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new Error(
        `the demo's pictures come through npm, which Deno may not run here: --allow-run=npm, ${INSTEAD}`,
      );
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `the demo's pictures come through npm, which was not found: install Node with npm, ${INSTEAD}`,
    );
  }
  if (!output.success) {
    const said = new TextDecoder().decode(output.stderr).trim().split("\n").slice(0, 4).join("\n  ");
    throw new Error(
      `npm could not fetch ${spec} (exit ${output.code}). Is there a network? Try again, ${INSTEAD}. npm said:\n  ${said}`,
    );
  }
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".tgz")) return join(folder, name);
  throw new Error(`npm pack ${spec} left no tarball in ${folder}`);
}

/** Refuses a file whose SHA-512 is another one. */
async function verify(file: string, integrity: string): Promise<void> {
  const hash = createHash("sha512");
  for await (const chunk of (await Deno.open(file)).readable) hash.update(chunk);
  const found = `sha512-${hash.digest("base64")}`;
  if (found !== integrity) {
    throw new Error(
      `${
        basename(file)
      } is not the file that was expected, so nothing of it is used: its integrity is ${found}, ` +
        `not ${integrity}. Try again, ${INSTEAD}`,
    );
  }
}

/** Takes a hand's 64-pixel pictures and emoji.json out of a tarball, into memory (10 MB). */
async function unpack(
  hand: Hand,
  tarball: string,
): Promise<{ emoji: unknown; pictures: Map<string, Uint8Array> }> {
  const pictures = new Map<string, Uint8Array>();
  const folder = `package/img/${hand}/64/`;
  let emoji: unknown;
  const stream = gunzipped(tarball, fileChunks(tarball));
  try {
    for await (const { name, read } of tarMembers(tarball, byteQueue(stream))) {
      if (name === "package/emoji.json") emoji = JSON.parse(new TextDecoder().decode(await read()));
      else if (name.startsWith(folder) && name.endsWith(".png")) {
        pictures.set(name.slice(folder.length, -4), await read());
      }
    }
  } finally {
    await stream.return();
  }
  if (emoji === undefined) throw new Error(`${basename(tarball)} holds no emoji.json`);
  return { emoji, pictures };
}

/** The meanings of a folder that was fetched before; undefined where there is none, or a damaged list. */
async function fetched(folder: string): Promise<Meaning[] | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(join(folder, LIST)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Fetches the demo's pictures once: both packages through npm, verified; of them only the selected 64-pixel pictures
 * are kept. A second call finds them. The folder appears at once or not at all; of several processes one fetches and the
 * others wait for it.
 *
 * @returns The folder and its meanings.
 * @throws {Error} When there is no npm or no network, or a tarball is not the expected one.
 */
export async function fetchEmoji(options: FetchOptions = {}): Promise<EmojiFolder> {
  const { folder = cacheFolder(`emoji-${EMOJI_VERSION}`), progress = () => {} } = options;
  const known = await fetched(folder);
  if (known) {
    await clearLeftovers(folder);
    return { folder, meanings: known };
  }
  await makeCacheFolder(dirname(folder));
  await using _lock = await lockPlace(folder, { what: "the demo's pictures", waiting: progress, progress });
  // Another process may have fetched them while we waited.
  const meanings = await fetched(folder) ?? await fetchInto(folder, options);
  return { folder, meanings };
}

/** Fetches the pictures into a folder that this process has locked. */
async function fetchInto(folder: string, options: FetchOptions): Promise<Meaning[]> {
  const { download = npmPack, integrity = INTEGRITY, progress = () => {} } = options;
  const draft = await openDraft(folder, { replace: true });
  try {
    const hands = new Map<Hand, Awaited<ReturnType<typeof unpack>>>();
    for (const hand of HANDS) {
      progress(`fetching emoji-datasource-${hand} ${EMOJI_VERSION} through npm`);
      const tarball = await download(hand, draft.path);
      await verify(tarball, integrity[hand]);
      hands.set(hand, await unpack(hand, tarball));
      await Deno.remove(tarball);
    }
    const meanings = selectMeanings(hands.get("twitter")!.emoji)
      .filter(({ unified }) => HANDS.every((hand) => hands.get(hand)!.pictures.has(unified)));
    if (meanings.length === 0) {
      throw new Error("the emoji packages hold no picture that both hands have drawn");
    }
    for (const hand of HANDS) {
      await Deno.mkdir(join(draft.path, hand));
      for (const { unified } of meanings) {
        const picture = hands.get(hand)!.pictures.get(unified)!;
        await Deno.writeFile(join(draft.path, hand, `${unified}.png`), picture);
      }
    }
    await Deno.writeTextFile(join(draft.path, LIST), JSON.stringify(meanings));
    await draft.publish();
    progress(`${meanings.length} meanings by ${HANDS.length} hands, kept in ${folder}`);
    return meanings;
  } finally {
    await draft.discard();
  }
}
