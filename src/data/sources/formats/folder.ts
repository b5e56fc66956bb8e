import { basename } from "node:path";
import { folderSource, NoPicturesError } from "../folder.ts";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { openJoined } from "../joined.ts";
import { requestedPath, splitQuestion } from "../named_paths.ts";
import { listFolder } from "../list_folder.ts";
import { withoutMasks } from "../masks.ts";
import type { Claim } from "../places.ts";
import { isSplitFolder } from "../split_names.ts";
import { splitFolders } from "../split_folders.ts";
import { picturesOfSplit } from "../split_listing.ts";
import { NoSplitError, type SplitQuestion } from "../splits.ts";
import { join } from "../../io/paths.ts";
import { withFileReader } from "../../io/reader/file.ts";
import type { PassedOver, Source } from "../../types.ts";
import { describeFile, START_BYTES } from "../file_kinds.ts";

/** A folder of pictures: what every folder is that no other format recognises. */
export const folder: SourceFormat = {
  name: "folder",
  title: "a folder of pictures",
  endings: [],
  remote: false,
  options: [SPLIT],
  examples: [
    ["./photos", "a folder of pictures, its sub-folders being classes; or any other format found there"],
    ["folder:./photos.tar", "a folder of pictures in any case, whatever its name"],
  ],
  below: firstFloor,
  async open(request) {
    const path = await requestedPath(request), question = splitQuestion(request, path, "folder");
    let folders: string[] | null = null, missing: unknown = null;
    try {
      folders = await splitFolders(path, question);
    } catch (error) {
      // Splits may stand on a lower floor.
      if (!(error instanceof NoSplitError)) throw error;
      missing = error;
    }
    const left = folders === null ? question : { ...question, wanted: undefined };
    const isSplit = folders !== null || isSplitFolder(basename(path));
    try {
      return await openJoined(
        folders ?? [path],
        (folder, claim) => openSet(folder, { ...left, where: folder }, isSplit, claim),
        request.claim,
      );
    } catch (error) {
      throw error instanceof NoSplitError && error.known.length === 0 ? missing ?? error : error;
    }
  },
};

async function firstFloor(request: OpenRequest): Promise<string[] | null> {
  const path = await requestedPath(request);
  try {
    return await splitFolders(path, splitQuestion(request, path, "folder"));
  } catch (error) {
    if (error instanceof NoSplitError) return null;
    throw error;
  }
}

async function openSet(
  path: string,
  question: SplitQuestion,
  isSplit: boolean,
  claim?: Claim,
): Promise<Source> {
  const listing = withoutMasks(await listFolder(path, claim));
  if (listing.pictures.length === 0) {
    throw new NoPicturesError(path, listing.passedOver, await hintOf(path, listing.passedOver));
  }
  return folderSource(path, { ...listing, pictures: picturesOfSplit(listing.pictures, question, isSplit) });
}

/** What to do with the files that a folder has instead of pictures, told by one of those of which there are most. */
async function hintOf(path: string, passedOver: readonly PassedOver[]): Promise<string> {
  const [most] = passedOver.toSorted((a, b) => b.count - a.count), name = most?.example;
  if (name === undefined) return "";
  try {
    const file = join(path, name);
    const start = await withFileReader(file, (file) => file.read(0, Math.min(START_BYTES, file.length)));
    const kind = describeFile(start);
    return kind ? `${name} is ${kind.what}: ${kind.advice}` : "";
  } catch {
    return "";
  }
}
