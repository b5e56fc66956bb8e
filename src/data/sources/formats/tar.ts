import { isRemote } from "../../io/paths.ts";
import { type SourceFormat, SPLIT } from "../format.ts";
import { withPassedOver } from "../joined.ts";
import { requestedFiles } from "../named_paths.ts";
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
    ["data-{000..146}.tar", "tar shards as WebDataset writes them, also .tar.gz and over http(s)"],
    ["tar:./shards", "a folder of shards, or a shard with another ending"],
  ],
  recognise: ({ start }) => isTar(start),
  async open(request) {
    const { text: name, labels, http, classes } = request;
    const { files, passedOver } = await requestedFiles(request, ENDINGS);
    let stream = false;
    for (const file of files) stream ||= isRemote(file) || await isGzip(file);
    const source = stream
      ? await openTarStream(files, { name, labels, http, classes })
      : await openTar(files, { name, labels, classes });
    return withPassedOver(source, passedOver);
  },
};

/** Whether a file begins with the header of an archive's first member. */
function isTar(start: Uint8Array): boolean {
  return String.fromCharCode(...start.subarray(257, 262)) === "ustar";
}

async function isGzip(path: string): Promise<boolean> {
  // A file that is not there is for the reader to complain about.
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) return false;
  using file = await Deno.open(path);
  const start = new Uint8Array(2);
  await file.read(start);
  return start[0] === 0x1f && start[1] === 0x8b;
}
