/** Descriptions of cards. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { CARDS } from "../../src/plan/cards.ts";
import { PlanError } from "../../src/plan/compiler.ts";
import { parseCard, readCard } from "../../src/plan/gpu_file.ts";

Deno.test("our own descriptions are read back as the cards that they describe", () => {
  for (const card of Object.values(CARDS)) {
    const { kind, memory, bandwidth, teraflops, link } = parseCard(card.target, `${card.name}.txtpb`);
    assert.deepEqual([kind, memory, bandwidth, teraflops, link], [
      card.kind,
      card.memory,
      card.bandwidth,
      card.teraflops,
      card.link,
    ]);
  }
});

/** A card that nobody knows, with the rates of its units. */
const NEW = `# A comment { with brackets
gpu_device_info {
  core_count: 100  fpus_per_core: 128  clock_rate_ghz: 2
  memory_bandwidth: 1000000000000
  device_memory_size: 50000000000
  cuda_compute_capability { major: 11 }
  matrix_unit_description {
    rate_infos { key: 11 value { clock_rate_ghz: 2 units_per_core: 4 ops_per_clock: 256 } }
    rate_infos { key: 16 value { clock_rate_ghz: 2 units_per_core: 4 ops_per_clock: 512 } }
  }
}
platform_name: "CUDA"
device_description_str: "A \\"new\\" card"
`;

Deno.test("another card's rates are those of its units, a multiplication and an addition each", () => {
  const card = parseCard(NEW, "/some/where/new.txtpb");
  const near = (a: number, b: number) => assert.ok(Math.abs(a / b - 1) < 1e-9, `${a} ${b}`);
  near(card.teraflops.bfloat16, 2 * 2 * 4 * 512 * 100 / 1000);
  near(card.teraflops.tf32, 2 * 2 * 4 * 256 * 100 / 1000);
  near(card.teraflops.float32, 2 * 2 * 128 * 100 / 1000);
  assert.deepEqual([card.name, card.memory, card.bandwidth], ["new", 5e10, 1e12]);
  assert.match(card.source, /new\.txtpb/);
});

Deno.test("a file that does not describe a card is refused, with what is wrong", () => {
  const wrong: [text: string, why: RegExp][] = [
    ["", /no gpu_device_info/],
    ["hello world", /does not describe a card/],
    ["gpu_device_info {", /never closed/],
    [NEW.replace(/core_count: 100/, ""), /core_count is missing/],
    [NEW.replace(/memory_bandwidth: \d+/, "memory_bandwidth: much"), /memory_bandwidth is much/],
    [NEW.replace(/cuda_compute_capability \{.*\}/, ""), /cuda_compute_capability/],
    [NEW.replace("CUDA", "ROCM"), /platform is ROCM/],
    [NEW.replaceAll("matrix_unit_description", "other_unit_description"), /matrix_unit_description/],
  ];
  for (const [text, why] of wrong) {
    assert.throws(() => parseCard(text, "card.txtpb"), (error: Error) => {
      assert.ok(error instanceof PlanError && error.message.startsWith("card.txtpb"), String(error));
      assert.match(error.message, why);
      return true;
    });
  }
});

Deno.test("whatever a file holds, it is a card or a PlanError", () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: NEW.length }), fc.string({ maxLength: 8 }), (at, text) => {
      try {
        parseCard(NEW.slice(0, at) + text + NEW.slice(at), "card");
      } catch (error) {
        assert.ok(error instanceof PlanError, String(error));
      }
    }),
    { numRuns: 300 },
  ));

Deno.test("a file that is not there is named", () =>
  assert.rejects(readCard("/no/such.txtpb"), /\/no\/such\.txtpb: no such file/));
