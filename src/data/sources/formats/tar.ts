import { basename } from "node:path";
import { isRemote } from "../../io/paths.ts";
import { byteQueue, fileChunks } from "../../io/reader/chunks.ts";
import { gunzipped } from "../../io/reader/gunzip.ts";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { innerSplits } from "../inner_splits.ts";
import { withPassedOver } from "../joined.ts";
import { requestedFiles } from "../named_paths.ts";
import { startOf } from "../right_files.ts";
import { NoSplitError, splitOf } from "../splits.ts";
import { BLOCK, isZero, parseHeader } from "../tar/header.ts";
import { openTar } from "../tar/indexed.ts";
import { openTarStream } from "../tar/stream.ts";

const ENDINGS = [".tar", ".tar.gz", ".tgz"];

/** Tar shards: local, uncompressed ones by index, others in order. */
export const tar: SourceFormat = {
  name: "tar",
  title: "tar shards",
  endings: ENDINGS,
  remote: true,
  options: [SPLIT],
  examples: [
    ["data-{000..146}.tar", "WebDataset's tar shards, also .tar.gz and over http(s)"],
    ["tar:./shards", "a folder of shards, or a shard with another ending"],
  ],
  async recognise({ path, start }) {
    return isTar(start) || (isGzip(start) && await holdsTar(path));
  },
  async open(request) {
    const { text: name, labels, http, classes } = request;
    const { files, passedOver, inner } = await filesOfSplit(request);
    let stream = false;
    for (const file of files) stream ||= isRemote(file) || isGzip(await startOf(file));
    const source = stream
      ? await openTarStream(files, { name, labels, http, classes, inner })
      : await openTar(files, { name, labels, classes, inner });
    return withPassedOver(source, passedOver);
  },
};

/** The shards of the split that is meant; where none is named so, it may be inside of them. */
async function filesOfSplit(request: OpenRequest) {
  const { text: where, options } = request;
  if (options.split === "none") return await filesOfAll(request);
  try {
    const found = await requestedFiles(request, ENDINGS);
    // Shards of several splits are taken together where the user wrote their names out.
    const splits = new Set(found.files.map((file) => splitOf(basename(file))));
    const wanted = options.split ?? (splits.size > 1 ? "all" : undefined);
    return { ...found, inner: innerSplits({ where, wanted, named: true, stated: !splits.has(null) }) };
  } catch (error) {
    if (!(error instanceof NoSplitError)) throw error;
    const found = await filesOfAll(request);
    if (found.files.some((file) => splitOf(basename(file)) !== null)) throw error;
    return { ...found, inner: innerSplits({ where, wanted: options.split, named: false }) };
  }
}

/** All shards, and names in them count as none of splits. */
async function filesOfAll(request: OpenRequest) {
  const all = { ...request, options: { ...request.options, split: "all" } };
  return { ...await requestedFiles(all, ENDINGS), inner: undefined };
}

const isGzip = (start: Uint8Array) => start[0] === 0x1f && start[1] === 0x8b;

/** Whether a file begins with the header of an archive's first member. */
function isTar(start: Uint8Array): boolean {
  if (start.length < BLOCK || isZero(start.subarray(0, BLOCK))) return false;
  try {
    return parseHeader(start.subarray(0, BLOCK), "").name !== "";
  } catch {
    return false;
  }
}

/** Whether what is compressed by gzip begins as a tar archive. */
async function holdsTar(path: string): Promise<boolean> {
  const chunks = gunzipped(path, fileChunks(path));
  try {
    return isTar(await byteQueue(chunks).read(BLOCK));
  } catch {
    return false;
  } finally {
    await chunks.return();
  }
}
