import assert from "node:assert/strict";
import { join } from "node:path";
import { readDetectConfig } from "../../../src/detect/config.ts";
import { readFinetuneConfig, resumedFinetuneConfig } from "../../../src/finetune/config.ts";
import type { WeakConfig } from "../../../src/reid/weak/config.ts";
import { prepareWeakFolder } from "../../../src/reid/weak/folder.ts";
import { ConfigError, readConfig } from "../../../src/train/config/config.ts";
import { presetConfig } from "../../../src/train/config/presets.ts";
import { withFolder } from "../../with_folder.ts";

Deno.test("settings of one kind of training: a file that somebody has written, and those of other kinds by name", () =>
  withFolder(async (out) => {
    const path = join(out, "config.json");
    const write = (value: unknown) => Deno.writeTextFile(path, JSON.stringify(value));
    const rejects = (read: () => Promise<unknown>, pattern: RegExp) =>
      assert.rejects(read, (error) => error instanceof ConfigError && pattern.test(error.message));
    const [pretraining, finetuning, detector] = [readConfig, readFinetuneConfig, readDetectConfig].map(
      (read) => (): Promise<unknown> => read(path),
    );
    const resumed = () => resumedFinetuneConfig({ out });

    // What a user writes says nothing of its kind; the folder of a run does.
    await write({ epochs: 3 });
    for (const read of [pretraining, finetuning, detector]) assert.deepEqual(await read(), { epochs: 3 });
    await rejects(resumed, /config\.json: is not of a fine-tuning; .* deno task train --resume$/);

    await write({ task: "finetune", preset: "demo" });
    assert.deepEqual(await finetuning(), { preset: "demo" });
    // A run that goes on keeps the name of its preset, whose values it has.
    assert.equal((await resumedFinetuneConfig({ out, preset: "base" })).preset, "demo");
    const finetune =
      /config\.json: holds settings of deno task finetune; .* with deno task finetune --resume$/;
    for (const read of [pretraining, detector]) await rejects(read, finetune);
    await write({ task: "reid" });
    for (const read of [pretraining, finetuning, resumed]) {
      await rejects(read, /with deno task reid train --resume$/);
    }
    await write({ task: "toString" });
    await rejects(pretraining, /settings of "toString", which is no task/);

    await write(presetConfig("demo"));
    for (const read of [finetuning, detector]) {
      await rejects(read, /unknown setting "\w+", which is one of deno task train$/);
    }
    await write({ epoch: 3 });
    await rejects(finetuning, /unknown setting "epoch"; did you mean "epochs"\?/);
    await Deno.writeTextFile(path, "{");
    const reid = () => prepareWeakFolder({ out } as WeakConfig, true);
    for (const read of [finetuning, resumed, reid]) {
      await rejects(read, /config\.json: cannot be read as config/);
    }
    await Deno.remove(path);
    for (const read of [finetuning, detector]) await rejects(read, /config\.json: .*there is no such file$/);
    await rejects(resumed, /holds no run \(no config\.json\)/);
    await rejects(reid, /holds no run of reid train/);
  }));
