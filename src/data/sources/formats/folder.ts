import { basename } from "node:path";
import { folderClasses, folderSource, NoPicturesError } from "../folder.ts";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { openJoined } from "../joined.ts";
import { requestedPath, splitQuestion } from "../named_paths.ts";
import { listFolder } from "../list_folder.ts";
import { isSubset, picturesOfList } from "../lists/choose.ts";
import { classesOfLists, namesOf, readPictureLists } from "../lists/picture_lists.ts";
import { withoutMasks } from "../masks.ts";
import { sumPassed } from "../passed_over.ts";
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
  options: [
    SPLIT,
    {
      name: "list",
      value: "NAME",
      help: "the list of splits, or its folder, of several beside the pictures",
    },
    { name: "label", value: "NAME", help: "the column of classes in a table beside the pictures" },
  ],
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
    const { wanted } = question;
    const left = folders === null ? question : { ...question, wanted: wanted === "all" ? wanted : undefined };
    const isSplit = folders !== null || isSplitFolder(basename(path));
    try {
      return await openJoined(
        folders ?? [path],
        (folder, claim) => openSet(folder, { ...left, where: folder }, isSplit, { ...request, claim }),
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
  { claim, options, labels, classes, progress }: OpenRequest,
): Promise<Source> {
  const listing = withoutMasks(await listFolder(path, claim));
  if (listing.pictures.length === 0) {
    throw new NoPicturesError(path, listing.passedOver, await hintOf(path, listing.passedOver));
  }
  const all = listing.pictures, { list, label } = options;
  const lists = await readPictureLists(path, listing, { list, label, progress });
  const { pictures, among } = list !== undefined && lists.splits && isSubset(lists.splits)
    ? { pictures: picturesOfList(all, lists.splits, question), among: all }
    : picturesOfSplit(all, question, { isSplit, lists: lists.splits });
  if (!lists.splits && !isSplit && question.wanted === undefined && pictures.length === all.length) {
    tellUnread(path, lists.unread, progress);
  }
  const classOf = folderClasses(among), asked = label !== undefined;
  if (classes === false) return folderSource(path, { ...listing, pictures }, undefined, classOf);
  const stated = lists.classes &&
    classesOfLists(path, all, lists.classes, classOf, { of: pictures, known: labels, asked });
  if (!stated) {
    if (lists.columns.length > 0 && new Set(pictures.map(classOf)).size < 2) {
      progress(
        `${path}: no column is called as one of classes; #label=NAME takes one of ${
          lists.columns.join(", ")
        }`,
      );
    }
    return folderSource(path, { ...listing, pictures }, undefined, classOf);
  }
  progress(`${path}: takes the classes of ${namesOf({ files: lists.classes!.classFiles })}`);
  const passedOver = sumPassed([listing.passedOver, stated.passedOver]);
  return folderSource(path, { pictures, passedOver }, stated);
}

/** Tells of what may be lists of splits, where nothing else tells splits apart. */
function tellUnread(path: string, unread: readonly string[], progress: (line: string) => void): void {
  if (unread.length === 0) return;
  progress(
    `${path}: takes all pictures; ${
      namesOf({ files: [...unread] })
    } may be of splits, but such files are not read as ` +
      "lists: write each split's names as a text (train.txt, test.txt)",
  );
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
