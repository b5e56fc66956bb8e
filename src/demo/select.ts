import { randomStream } from "../random.ts";

/** The two hands that draw every meaning: Google's pictures ask, Twitter's answer. */
export const HANDS = ["google", "twitter"] as const;

/** A name of {@linkcode HANDS}. */
export type Hand = typeof HANDS[number];

/** One meaning: what both hands have drawn. */
export interface Meaning {
  /** Its code points in lower case, such as `1f469-200d-1f4bb`. */
  unified: string;
  category: string;
  name: string;
}

/** The share of meanings that training never sees. */
export const HELD_OUT = .1;

/** The seed of the split; fixed, so that every run and every table speaks of the same pictures. */
const SPLIT_SEED = 16;

/** What emoji.json says of one emoji, as far as it is read here. */
interface Entry {
  unified: string;
  category: string;
  name: string | null;
  short_name: string;
  image: string;
  has_img_google: boolean;
  has_img_twitter: boolean;
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Entry;
  return typeof entry === "object" && entry !== null && typeof entry.unified === "string" &&
    typeof entry.category === "string" && typeof entry.image === "string" &&
    typeof entry.short_name === "string";
}

/**
 * The meanings that the demo uses: drawn by both hands, without the category "Component" (loose skin tones and hair).
 * The skin tones of a meaning stand below its entry in emoji.json, so they are left out by not being looked at.
 *
 * @param emoji The parsed emoji.json of either package.
 * @returns In order of `unified`.
 * @throws {Error} When it has another form.
 */
export function selectMeanings(emoji: unknown): Meaning[] {
  if (!Array.isArray(emoji) || !emoji.every(isEntry)) {
    throw new Error("emoji.json is no list of emoji as expected");
  }
  const meanings = emoji
    .filter((entry) => entry.category !== "Component" && entry.has_img_google && entry.has_img_twitter)
    .map((entry) => ({
      unified: entry.image.replace(/\.png$/, ""),
      category: entry.category,
      name: (entry.name ?? entry.short_name).toLowerCase(),
    }));
  return meanings.sort((a, b) => a.unified < b.unified ? -1 : a.unified > b.unified ? 1 : 0);
}

/** FNV-1a, 32 bits: a number for a name that never changes. */
export function nameNumber(name: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

/** True for a meaning that is held out. Depends on its name alone, so both hands of a meaning are on the same side. */
export function isHeldOut(unified: string): boolean {
  return randomStream(SPLIT_SEED, "split", nameNumber(unified)).uniform() < HELD_OUT;
}

/**
 * The hand and the meaning that a record's key `hand/unified` names.
 *
 * @throws {Error} For a key of another form.
 */
export function parseKey(key: string): { hand: Hand; unified: string } {
  const [hand, unified, ...rest] = key.replace(/\.png$/, "").split("/");
  if (rest.length > 0 || !unified || !HANDS.includes(hand as Hand)) {
    throw new Error(`${key} is no key of the demo's pictures: expected google/… or twitter/…`);
  }
  return { hand: hand as Hand, unified };
}
