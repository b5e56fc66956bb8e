import { type SourceFormat, SPLIT } from "../format.ts";
import { openImagenet } from "../imagenet.ts";
import { openJoined } from "../joined.ts";
import { requestedPath, splitQuestion } from "../named_paths.ts";
import { splitFolders } from "../split_folders.ts";

/** The layout of ImageNet. */
export const imagenet: SourceFormat = {
  name: "imagenet",
  title: "ImageNet",
  endings: [],
  remote: false,
  options: [
    {
      name: "list",
      value: "FILE",
      help: "the list of the validation set's classes, if it is not found by its name",
    },
    SPLIT,
  ],
  shortOption: "list",
  examples: [["imagenet:./ILSVRC/val", "ImageNet: folders of classes, or flat pictures with their list"]],
  async open(request) {
    const path = await requestedPath(request), { list } = request.options;
    const folders = await splitFolders(path, splitQuestion(request, path, "folder"));
    return await openJoined(folders ?? [path], (folder, claim) => openImagenet(folder, { list, claim }));
  },
};
