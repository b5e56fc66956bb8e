import { openCoco } from "../coco.ts";
import { type SourceFormat, SPLIT } from "../format.ts";
import { openJoined } from "../joined.ts";
import { requestedPath, splitQuestion } from "../named_paths.ts";
import { splitFolders } from "../split_folders.ts";

/** The layout of COCO 2017. */
export const coco: SourceFormat = {
  name: "coco",
  title: "COCO",
  endings: [],
  remote: false,
  options: [
    {
      name: "annotations",
      value: "FILE",
      help: "the annotation file, if it is not annotations/instances_NAME.json",
    },
    SPLIT,
  ],
  shortOption: "annotations",
  examples: [["coco:./coco/train2017", "COCO: pictures with annotations/ beside their folder"]],
  async open(request) {
    const path = await requestedPath(request), { annotations } = request.options, { objects } = request;
    const folders = await splitFolders(path, splitQuestion(request, path, "folder"));
    return await openJoined(folders ?? [path], (folder) => openCoco(folder, { annotations, objects }));
  },
};
