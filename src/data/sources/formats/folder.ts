import { openFolder } from "../folder.ts";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { openJoined } from "../joined.ts";
import { requestedPath, splitQuestion } from "../named_paths.ts";
import { splitFolders } from "../split_folders.ts";

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
  below: splitsOf,
  async open(request) {
    return await openJoined(await splitsOf(request) ?? [await requestedPath(request)], openFolder);
  },
};

async function splitsOf(request: OpenRequest): Promise<string[] | null> {
  const path = await requestedPath(request);
  return await splitFolders(path, splitQuestion(request, path, "folder"));
}
