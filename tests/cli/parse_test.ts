import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import type { Command } from "../../src/cli/command.ts";
import { bytes, choice, list, number, onOff, share, text, whole } from "../../src/cli/kinds.ts";
import { parse } from "../../src/cli/parse.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const COMMAND: Command = {
  name: "copy",
  summary: "Copies.",
  operands: { from: { value: "FROM", help: "source" }, to: { value: "TO", help: "target" } },
  options: {
    batchSize: { kind: whole(1), help: "at once", default: 64 },
    lr: { kind: number(-1), help: "rate" },
    way: { kind: choice("decode", "sniff"), help: "how", default: "decode", env: "COPY_WAY" },
    part: { kind: share, help: "share" },
    crop: { kind: { kind: "pair", min: 0, ordered: true }, help: "two" },
    k: { kind: list(whole(1)), help: "votes" },
    class: { kind: list(text), help: "names" },
    size: { kind: bytes, help: "of a shard" },
    name: { kind: text, help: "a name" },
    ema: { kind: onOff, help: "average", negatable: true },
    json: { kind: onOff, help: "as JSON" },
    noSheet: { kind: onOff, help: "without" },
  },
};

const read = (line: string, env: Record<string, string> = {}) =>
  parse(COMMAND, line.split(" ").filter((word) => word !== ""), (name) => env[name]).given;
const fails = (line: string, message: RegExp, env?: Record<string, string>) =>
  assert.throws(() => read(line, env), (error: Error) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.match(error.message, message, line);
    return true;
  });

Deno.test("values of every kind, with and without =, before and behind operands", () => {
  const usual = { batchSize: 64, way: "decode", json: false, noSheet: false, from: "a", to: "b" };
  const cases: [string, Record<string, unknown>][] = [
    ["a b", {}],
    ["a b --class x\\,y,z", { class: ["x,y", "z"] }],
    ["--batch-size 3 a --json b", { batchSize: 3, json: true }],
    ["a b --batch-size=1e3 --lr -0.5 --part .25", { batchSize: 1000, lr: -0.5, part: 0.25 }],
    ["a b --crop 0.3,1 --k 1,20 --size 1.5KiB", { crop: [0.3, 1], k: [1, 20], size: 1536 }],
    ["a b --no-ema --no-sheet --way sniff", { ema: false, noSheet: true, way: "sniff" }],
    ["a b --ema --ema=false --json=true --name=--x", { ema: false, json: true, name: "--x" }],
    ["a --batch-size 1 --batch-size 2 b", { batchSize: 2 }],
    ["-- a b", {}],
    ["a -- b --name", { extra: "--name" }],
  ];
  for (const [line, given] of cases) {
    if ("extra" in given) fails(line, /copy: "--name" is one argument too many, see --help/);
    else assert.deepEqual({ ...read(line) }, { ...usual, ...given }, line);
  }
});

Deno.test("what is typed wrongly is named, with what was probably meant", () => {
  fails("a b --batchsize 3", /^unknown option --batchsize; did you mean --batch-size\?$/);
  fails("a b --zzz=4", /^unknown option --zzz; see --help$/);
  fails("a b -name x", /^unknown option -name; did you mean --name\?$/);
  fails("a b -x", /^unknown option -x; see --help$/);
  fails("a b --no-json", /^unknown option --no-json/);
  fails("a b --__proto__ x", /^unknown option --__proto__/);
  fails("a b --batch-size", /^--batch-size needs a value: a whole number from 1 up$/);
  fails("a b --name --json", /^--name needs a value: text .*; if "--json" is meant, write --name=--json$/);
  fails("a b --batch-size 0", /^--batch-size is "0", but it must be a whole number from 1 up$/);
  fails("a b --batch-size 1.5", /must be a whole number/);
  fails("a b --batch-size ten", /"ten"/);
  fails("a b --part 0", /--part is "0", but it must be a number above 0 and at most 1/);
  fails("a b --lr Infinity", /--lr is "Infinity"/);
  fails("a b --crop 1,0.3", /--crop is "1,0.3", but it must be two numbers from 0 up, the smaller first/);
  fails("a b --k 1,,2", /--k is "1,,2", but it must be a list, with commas between: each a whole number/);
  fails("a b --class x,", /but it must be a list, .* each text that is not empty; \\, is a comma of one$/);
  fails("a b --size 3parsec", /--size is "3parsec", but it must be a size, such as 500MB/);
  fails("a b --way snif", /--way is "snif", but it must be one of decode, sniff; did you mean sniff\?/);
  fails("a b --name=", /--name is "", but it must be text that is not empty/);
  fails("a b --json=maybe", /--json is "maybe", but it must be true or false/);
  fails("a b --no-ema=true", /--no-ema takes no value/);
  fails("a", /^copy takes FROM TO; TO is missing, see --help$/);
  fails("a b c", /^copy: "c" is one argument too many, see --help$/);
});

Deno.test("the environment gives what the command line does not, and is checked alike", () => {
  assert.equal(read("a b", { COPY_WAY: "sniff" }).way, "sniff");
  assert.equal(read("a b --way decode", { COPY_WAY: "sniff" }).way, "decode");
  assert.equal(read("a b", { COPY_WAY: "" }).way, "decode");
  fails("a b", /^COPY_WAY is "loud", but it must be one of decode, sniff/, { COPY_WAY: "loud" });
});

Deno.test("--help needs nothing else, and an option that is meant is named where there are no operands", () => {
  assert.equal(parse(COMMAND, ["--help"]).help, true);
  assert.equal(parse(COMMAND, ["-h", "a"], () => "loud").help, true);
  const train: Command = {
    name: "train",
    summary: "",
    options: { data: { kind: text, help: "" } },
    stray: "data",
  };
  assert.throws(
    () => parse(train, ["./photos"]),
    /"\.\/photos" is no option; .*did you mean --data \.\/photos\?/,
  );
});

Deno.test("any words give values or a usage error, never anything else", () => {
  const word = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(..."a b -- - --k --k= 1,2 --no-ema --ema -h --lr -1 --crop --size 9e99 =".split(" ")),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 6 }), (words) => {
    try {
      assert.equal(typeof parse(COMMAND, words).help, "boolean");
    } catch (error) {
      assert.ok(error instanceof UsageError, `${words}: ${error}`);
      assert.ok(error.message.length > 0);
    }
  }));
});
