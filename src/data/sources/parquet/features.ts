import type { FileMetaData } from "npm:hyparquet@1.31.5";
import { parseForeignJson } from "../../io/foreign_text.ts";
import type { Feature } from "./columns.ts";

/** What Hugging Face's metadata says of the columns. */
export function featuresOf(metadata: FileMetaData): Map<string, Feature> {
  const found = new Map<string, Feature>();
  const text = metadata.key_value_metadata?.find((entry) => entry.key === "huggingface")?.value;
  if (!text) return found;
  try {
    const features = fieldOf(fieldOf(parseForeignJson(text), "info"), "features");
    if (typeof features !== "object" || features === null) return found;
    for (const [name, feature] of Object.entries(features)) {
      const names = fieldOf(feature, "names");
      found.set(name, {
        type: String(fieldOf(feature, "_type")),
        names: Array.isArray(names) ? names.map(String) : [],
      });
    }
  } catch {
    // Without it names are guessed.
  }
  return found;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
