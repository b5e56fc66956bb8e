import assert from "node:assert/strict";
import { generate } from "../../../src/engine/xla/pjrt/generate.ts";
import { FUNCTIONS, STRUCTS } from "../../../src/engine/xla/pjrt/layouts.ts";

/** A header with every struct that the generator wants, all empty but the ones given. */
function header(structs: Record<string, string>): string {
  const names = [...Object.keys(STRUCTS)].filter((name) => !(name in structs));
  const head = "size_t struct_size; PJRT_Extension_Base* extension_start;";
  const enums =
    "Error_Code NamedValue_Type Buffer_Type HostBufferSemantics Buffer_MemoryLayout_Type Extension_Type"
      .split(" ").map((name) => `typedef enum { PJRT_${name}_A = 3, PJRT_${name}_B } PJRT_${name};`);
  return [
    "#define PJRT_API_MAJOR 0",
    "#define PJRT_API_MINOR 7",
    ...enums,
    "typedef void (*PJRT_Callback)(int x, void* y);",
    ...names.map((name) => `struct PJRT_${name} { ${head} };`),
    ...Object.entries(structs).map(([name, body]) => `struct PJRT_${name} { ${head} ${body} };`),
    "typedef struct PJRT_Api { size_t struct_size; PJRT_Extension_Base* extension_start; PJRT_Api_Version v;",
    "  _PJRT_API_STRUCT_FIELD(PJRT_First); _PJRT_API_STRUCT_FIELD(PJRT_Second); } PJRT_Api;",
  ].join("\n");
}

/** The generated module's exports. */
async function load(text: string): Promise<{ STRUCTS: typeof STRUCTS; FUNCTIONS: Record<string, number> }> {
  return await import(`data:application/typescript;base64,${btoa(generate(text))}`);
}

Deno.test("fields are placed by the C ABI: alignment, unions, nested structs, callbacks, enums", async () => {
  const text = header({
    Api_Version: "int major_version; int minor_version;",
    Program: `
      // A comment with struct { braces; }
      bool flag;            // at 16
      int64_t* const* many; /* after
                               padding */
      PJRT_Error_Code code; float x;
      union { const char* text; float small; struct PJRT_Api_Version version; };
      void (*deleter)(void* data, int n);  // out
      PJRT_Callback callback;
      const PJRT_Callback* callbacks;
      int last;`,
  });
  const module = await load(text);
  assert.deepEqual(module.STRUCTS.Program as unknown, {
    size: 92,
    fields: {
      flag: [16, "bool"],
      many: [24, "pointer"],
      code: [32, "i32"],
      x: [36, "f32"],
      text: [40, "pointer"],
      small: [40, "f32"],
      version: [40, "struct"],
      deleter: [64, "pointer"],
      callback: [72, "pointer"],
      callbacks: [80, "pointer"],
      last: [88, "i32"],
    },
  });
});

Deno.test("the function table begins after the version struct", async () => {
  const module = await load(header({ Api_Version: "int major_version; int minor_version;" }));
  assert.deepEqual({ ...module.FUNCTIONS }, { First: 40, Second: 48 });
  assert.equal(FUNCTIONS.Error_Destroy, 40);
});

Deno.test("enum values count on from the last one given", async () => {
  const { Buffer_Type } = await load(header({})) as unknown as Record<string, Record<string, number>>;
  assert.deepEqual({ ...Buffer_Type }, { A: 3, B: 4 });
});

Deno.test("what the generator doesn't understand is an error", () => {
  assert.throws(() => generate("int main;"), /PJRT_Api|pjrt_c_api/);
  assert.throws(() => generate(header({ Program: "long double x;" })), /Unknown type long/);
});
