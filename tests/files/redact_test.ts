import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { isRedacted, redact } from "../../src/files/redact.ts";

Deno.test("redact: users, passwords and signatures are hidden, the rest stays", () => {
  const cases: [string, string][] = [
    ["https://me:pw@host/a.tar", "https://REDACTED@host/a.tar"],
    ["https://ghp_token@host:8080/a.tar", "https://REDACTED@host:8080/a.tar"],
    ["https://me:p@ss:w@host/a@b.tar", "https://REDACTED@host/a@b.tar"],
    ["https://me:p/w?#@host/a.tar", "https://REDACTED@host/a.tar"],
    ["https://host:8080/a@b.tar", "https://host:8080/a@b.tar"],
    ["http://[::1]:8080/a@b.tar", "http://[::1]:8080/a@b.tar"],
    ["https://host/a.tar?v=2&sig=6f%2BAb&dl=1", "https://host/a.tar?v=2&sig=REDACTED&dl=1"],
    ["https://host/a.tar?token=x#frag", "https://host/a.tar?token=REDACTED#frag"],
    ["https://host/a.tar?%73ig=x", "https://host/a.tar?%73ig=REDACTED"],
    [
      "https://b.s3.host/d-{000..146}.tar?X-Amz-Algorithm=A&X-Amz-Credential=C%2F1&X-Amz-Date=D&X-Amz-Expires=9&X-Amz-Signature=S",
      "https://b.s3.host/d-{000..146}.tar?X-Amz-Algorithm=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Date=REDACTED&X-Amz-Expires=REDACTED&X-Amz-Signature=REDACTED",
    ],
    [
      "https://a.blob.host/a.tar?sv=1&se=2&sr=b&sp=r&sig=x",
      "https://a.blob.host/a.tar?sv=REDACTED&se=REDACTED&sr=REDACTED&sp=REDACTED&sig=REDACTED",
    ],
    [
      "https://cdn/a.tar?Policy=p&Signature=s&Key-Pair-Id=k",
      "https://cdn/a.tar?Policy=REDACTED&Signature=REDACTED&Key-Pair-Id=REDACTED",
    ],
    // Not signed: a state and a sort, not Azure's times.
    ["https://host/a.tar?st=ny&sort=key&author=me", "https://host/a.tar?st=ny&sort=key&author=me"],
    ["a.parquet?column=photo", "a.parquet?column=photo"],
    ["https://host/a.tar?sig=a\\,b,c*0.3,./b*0.7", "https://host/a.tar?sig=REDACTED*0.3,./b*0.7"],
    [
      "https://host/a.tar?sig=x*0.3,https://u:p@host/b.tar?key=y*0.7",
      "https://host/a.tar?sig=REDACTED*0.3,https://REDACTED@host/b.tar?key=REDACTED*0.7",
    ],
    ["tar:https://host/a?access_token=x", "tar:https://host/a?access_token=REDACTED"],
    [
      "cannot read https://host/a.tar?sig=x: it answers 403",
      "cannot read https://host/a.tar?sig=REDACTED: it answers 403",
    ],
    ['"https://host/a.tar?api_key=x", of 3', '"https://host/a.tar?api_key=REDACTED", of 3'],
    ["--data=https://u:p@h/x.tar --seed=3", "--data=https://REDACTED@h/x.tar --seed=3"],
    ["mail me@host, or see https://host/a", "mail me@host, or see https://host/a"],
  ];
  for (const [text, wanted] of cases) {
    assert.equal(redact(text), wanted);
    assert.equal(redact(wanted), wanted, "once is enough");
    assert.equal(isRedacted(redact(text)), text !== wanted);
  }
});

Deno.test("redact: no secret comes through, wherever it stands", () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9+/=%_~,@:.-]{1,20}$/).map((text) => `s3cret${text}s3cret`);
  const names = [
    "sig",
    "signature",
    "X-Amz-Signature",
    "token",
    "access_token",
    "key",
    "apikey",
    "password",
    "hdnea",
  ];
  const query = fc.array(fc.tuple(fc.constantFrom(...names, "v", "download"), secret), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.option(secret),
      query,
      fc.constantFrom("", "*0.5,./b*0.5", ": it answers 403", " and more"),
      (user, pairs, end) => {
        const hidden = user?.replace(/[/?#]/g, "");
        const parameters = pairs.map(([name, value]) =>
          `${name}=${["v", "download"].includes(name) ? "1" : value}`
        );
        const url = `https://${hidden ? `me:${hidden}@` : ""}host/d-{0..3}.tar?${parameters.join("&")}${end}`;
        const shown = redact(`cannot read ${url}`);
        assert.ok(!shown.includes("s3cret"), shown);
        assert.ok(shown.includes("host/d-{0..3}.tar?") && shown.endsWith(end), shown);
        assert.equal(redact(shown), shown);
      },
    ),
  );
});

Deno.test("redact: a text without addresses stays as it is", () => {
  fc.assert(
    fc.property(fc.string().filter((text) => !/[=@]/.test(text)), (text) => assert.equal(redact(text), text)),
  );
});
