import { type Data, dataUri, openedOf } from "../data/open/data.ts";
import { rowsGallery } from "../eval/search/gallery.ts";
import type { OpenSearch } from "../eval/search/open.ts";
import { pictureAt } from "../eval/search/pictures.ts";
import { searchPrograms } from "../eval/search/programs.ts";
import { searchPictures } from "../eval/search/search.ts";
import { type PictureSet, setRows } from "../eval/search/set.ts";
import type { Searched, SearchQuery } from "./serve.ts";

/** Bytes of features that are kept in memory; more are read from their file for each search. */
const IN_MEMORY = 2 ** 30;

/** What can be searched, as a page needs it. */
export interface SearchedSet extends Searched {
  /** Frees what it has put on the engine. */
  close(): void;
}

/** How a set is prepared. */
export interface SearchedSetOptions {
  /** What it is called in the page. Default: the address of its pictures, without secrets. */
  name?: string;
  /** Takes lines for people. */
  line?(text: string): void;
}

/** The set with its features in memory, where they are not too many. */
async function kept(set: PictureSet): Promise<PictureSet> {
  const { file, token, gallery } = set;
  if (4 * gallery.rows * gallery.width > IN_MEMORY) return set;
  return { ...set, gallery: { ...gallery, ...rowsGallery(await file.rows(token)), nameOf: gallery.nameOf } };
}

/** Refuses pictures that cannot be read one by one. */
function requireIndexed(data: Data) {
  const opened = openedOf(data);
  if (opened.access === "random") return opened.source;
  throw new Error(
    `${dataUri(data)}: can only be read from its start, but a page shows pictures one by one; ` +
      "pack it first (deno task pack), and name the shards by --data",
  );
}

/**
 * Prepares a set for {@linkcode serveSearch}: reads its features, if they fit, and opens its encoder. Without the model only
 * pictures of the set can be searched with; a line says why.
 *
 * @param opened What `openSearch` gives. Not closed.
 * @throws {Error} When the pictures cannot be opened, are not those of the set, or can only be read in order.
 */
export async function searchedSet(
  opened: OpenSearch,
  { name, line }: SearchedSetOptions = {},
): Promise<SearchedSet> {
  const { engine } = opened, set = await kept(opened.set), { keys, file: { info, labels } } = set;
  const data = await opened.data(), source = requireIndexed(data);
  // Told now, and not by a page of empty pictures.
  await opened.pictures([0, keys.length >> 1, keys.length - 1]);
  const encode = await opened.encoder().catch((error: Error) => {
    line?.(`only pictures of the set can be searched with: ${error.message}`);
  });
  const programs = searchPrograms(engine);
  const featuresOf = async (query: SearchQuery) =>
    "row" in query ? await setRows(set, [query.row]) : await encode!([query.picture]);
  return {
    name: name ?? dataUri(data),
    model: info.model,
    keys,
    labels,
    classes: info.classes,
    embeds: encode !== undefined,
    picture: (row) => pictureAt(source, keys, row),
    async nearest(query, k, keep, signal) {
      const row = "row" in query ? query.row : undefined,
        named = row === undefined ? "the picture" : keys[row];
      const may = keep ? keep.reduce((sum, one) => sum + one, 0) : keys.length;
      const there = may - (row !== undefined && (!keep || keep[row]) ? 1 : 0), most = Math.min(k, there);
      if (most < 1) return [];
      const features = await featuresOf(query);
      const { results: [{ neighbours }] } = await searchPictures(
        engine,
        set,
        [{ name: named, row }],
        features,
        {
          k: most,
          keep: keep ?? undefined,
          programs,
          signal,
        },
      );
      return neighbours.map(({ row, cosine }) => ({ row, cosine }));
    },
    close: () => programs.close(),
  };
}
