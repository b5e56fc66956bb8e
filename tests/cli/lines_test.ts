import assert from "node:assert/strict";
import { openLines, withBar } from "../../src/cli/lines.ts";

/** A writer whose time stands still until it is told. */
function writer(terminal: boolean, width = 40) {
  let text = "", time = 0;
  const lines = openLines({
    write: (more) => text += more,
    terminal,
    columns: () => width,
    now: () => time,
  });
  return {
    ...lines,
    pass: (seconds: number) => time += seconds * 1000,
    take: () => {
      const taken = text;
      text = "";
      return taken;
    },
  };
}

Deno.test("on a terminal states are written over each other, ten a second at most, and lines stay", () => {
  const shown = writer(true);
  shown.status(() => "1 of 9");
  shown.status(() => assert.fail("too soon"));
  assert.equal(shown.take(), "\r\x1b[K1 of 9");
  shown.line("a word");
  assert.equal(shown.take(), "\r\x1b[Ka word\n");
  shown.pass(0.2);
  shown.status(() => "5 of 9");
  shown.status(() => "9 of 9", true);
  assert.equal(shown.take(), "\r\x1b[K5 of 9\r\x1b[K9 of 9\n");
  shown.close();
  assert.equal(shown.take(), "");
});

Deno.test("on a terminal a state never fills the last column, however narrow it is", () => {
  for (const width of [40, 12, 1, 0]) {
    const shown = writer(true, width);
    shown.status((columns) => withBar(0.5, "😀".repeat(50), columns));
    const text = shown.take().replace("\r\x1b[K", "");
    assert.ok([...text].length <= Math.max(1, width - 1), `${width}: ${text}`);
    assert.match(text, /^😀+$/u);
  }
});

Deno.test("elsewhere a state is a line now and then, the last one always", () => {
  const shown = writer(false);
  shown.status(() => assert.fail("the first second is no news"));
  shown.pass(1.5);
  shown.status((columns) => `1 of 9 ${columns}`);
  shown.pass(9);
  shown.status(() => assert.fail("too soon"));
  shown.pass(2);
  shown.status(() => "5 of 9");
  shown.status(() => "9 of 9", true);
  shown.close();
  assert.equal(shown.take(), "1 of 9 Infinity\n5 of 9\n9 of 9\n");
});

Deno.test("what a file's name holds does not steer the terminal", () => {
  const shown = writer(true);
  shown.line("left out: a\x1b]0;title\x07\r\u202eb.png\nsecond\tline");
  assert.equal(shown.take(), "left out: a\\x1b]0;title\\x07\\x0d\\u202eb.png\nsecond\tline\n");
  shown.status(() => "\x1b[2J");
  assert.equal(shown.take(), "\r\x1b[K\\x1b[2J");
});

Deno.test("a bar takes the room that is left, if that is enough", () => {
  assert.equal(withBar(0.5, "half", 17), "[█████·····] half");
  assert.equal(withBar(0.5, "half", 14), "half");
  assert.equal(withBar(2, "over", 15), "[████████] over");
  assert.equal(withBar(0.5, "half", Infinity), "half");
});
