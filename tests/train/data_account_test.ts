import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { DataAccount } from "../../src/data/epoch/account.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { silent } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { train } from "../../src/train/train.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";
import { withFolder } from "../data/pictures.ts";
import { tarFile } from "../data/tar_writer.ts";

/** Two shards of 13 pictures; one picture is damaged, and one sample has none. */
async function writeShards(folder: string): Promise<string> {
  await writePictures(`${folder}/p`, 13);
  for (const shard of [0, 1]) {
    const entries: { name: string; content: Uint8Array | string }[] = [{
      name: "caption.txt",
      content: "a cat",
    }];
    for (let i = 0; i < 13; i++) {
      const content = await Deno.readFile(`${folder}/p/${String(i).padStart(2, "0")}.png`);
      entries.push({
        name: `${shard}-${i}.png`,
        content: shard === 1 && i === 4 ? content.slice(0, 60) : content,
      });
    }
    await Deno.writeFile(`${folder}/t-${shard}.tar.gz`, gzipSync(tarFile(entries)));
  }
  return `${folder}/t-{0..1}.tar.gz`;
}

Deno.test("a run says what came of its data: on the console, in data.json, in checkpoints, and so after a resume", async () => {
  await withFolder(async (folder) => {
    const uri = await writeShards(folder), engine = await openWasm();
    const run = async (out: string, change: Partial<RunConfig>) => {
      const settings = {
        ...MINUSCULE,
        data: uri,
        epochPictures: 26,
        shuffleBuffer: 6,
        out: `${folder}/${out}`,
      };
      const source = await openData(uri), lines: string[] = [];
      try {
        const progress = { ...silent, line: (text: string) => void lines.push(text) };
        const config = resolveConfig({ ...settings, epochs: 3, checkpointSteps: 3, ...change });
        const result = await train(config, { engine, source, progress });
        disposeTree(result.state);
        return { ...result, lines };
      } finally {
        await closeData(source);
      }
    };
    const stored = async (out: string): Promise<DataAccount & { step: number }> =>
      JSON.parse(await Deno.readTextFile(`${folder}/${out}/data.json`));
    const whole = await run("whole", {});
    const { step, ...account } = await stored("whole");
    assert.deepEqual([step, account], [18, whole.data]);
    assert.deepEqual(account, (await readCheckpoint(`${folder}/whole`)).data);
    assert.deepEqual(
      account.epochs.slice(0, 2).map(({ epoch, read, bad, left }) => [epoch, read, bad, left]),
      [
        [0, 24, 1, 1],
        [1, 24, 1, 1],
      ],
    );
    assert.deepEqual(account.sources[0].shards.map(({ pictures }) => pictures), [13, 13]);
    const said = whole.lines.filter((line) => /^(data|besides|note|skipped) /.test(line)).slice(1);
    assert.match(said[0], /^skipped {4}1-4: .* \(.*t-1\.tar\.gz\)$/);
    assert.match(
      said[1],
      /^besides {4}2 samples passed over: 2 samples \(has no picture, only \.txt; .*caption\.txt\)$/,
    );
    assert.match(said[2], /^data {7}72 pictures read in epochs 0 to 2, 3 bad$/);
    // The decoder does not always use the same words.
    assert.ok(said.length > 3);
    for (const line of said.slice(3)) {
      assert.match(line, /^data {7}[123] bad: .*, such as .*t-1\.tar\.gz: 1-4$/);
    }

    await run("parts", { steps: 7 });
    assert.equal((await stored("parts")).read, 28);
    await run("parts", { resume: true });
    const { step: _, ...parts } = await stored("parts");
    const byName = (one: DataAccount) => one.sources[0].shards.toSorted((a, b) => a.shard < b.shard ? -1 : 1);
    assert.deepEqual({ ...parts, sources: 0 }, { ...account, sources: 0 });
    assert.deepEqual(byName(parts), byName(account));

    // A promise that does not hold is told when the first epoch is over.
    const promised = await run("promised", { epochPictures: 40, epochs: 1 });
    assert.ok(promised.lines.some((line) => /note {7}epoch 0 held about 26 pictures, .* says 40/.test(line)));

    // A lost shard ends the run; what came of the data is told all the same.
    await Deno.writeFile(`${folder}/t-0.tar.gz`, new Uint8Array(0));
    const lines: string[] = [];
    await assert.rejects(
      run("lost", {}).catch((error) => {
        lines.push(error.message);
        throw error;
      }),
      { name: "BadLimitError" },
    );
    assert.match(
      lines[0],
      /about 13 of 26 pictures are lost.*t-0\.tar\.gz: empty: 0 bytes.*data: .*lost\/data\.json$/,
    );
    const lost = await stored("lost");
    assert.deepEqual(lost.sources[0].shards.find(({ why }) => why)?.lost, 13);
  });
});

Deno.test("an account that is not of this data begins anew, and says where", async () => {
  await withFolder(async (folder) => {
    await writePictures(`${folder}/p`, 13);
    const engine = await openWasm();
    const run = async (change: Partial<RunConfig>) => {
      const source = await openData(`${folder}/p`);
      const settings = {
        ...MINUSCULE,
        data: `${folder}/p`,
        out: `${folder}/run`,
        epochs: 4,
        process: "0/2",
        ...change,
      };
      const { state, data } = await train(resolveConfig({ ...settings, batchSize: 2 }), { engine, source });
      disposeTree(state);
      await closeData(source);
      return data;
    };
    const first = await run({ steps: 2 });
    assert.deepEqual([first.process, first.read, first.since], ["0/2", 4, { epoch: 0, position: 0 }]);
    const checkpoint = await readCheckpoint(`${folder}/run`);
    assert.deepEqual([checkpoint.data?.read, checkpoint.cursor], [4, { epoch: 0, position: 4 }]);
    const all = await run({ resume: true, steps: 5 });
    assert.deepEqual([all.read, all.epochs.map(({ read, left }) => [read, left])], [10, [[6, 0], [4, 0]]]);
  });
});
