/**
 * Writes layouts.ts from XLA's pjrt_c_api.h, so that no size or offset is typed by hand.
 *
 *     deno run -R -W src/engine/xla/pjrt/generate.ts PATH/pjrt_c_api.h
 *
 * The header is in PyPI's tensorflow wheels, under tensorflow/include/xla/pjrt/c. The layout rules are those of the
 * 64-bit C ABIs on which Deno runs: pointers and size_t take 8 bytes, int, float and enums 4, bool 1, each at a
 * multiple of its own size.
 *
 * @module
 */

/** The functions whose argument structs are written out; the table of offsets holds every function. */
const FUNCTIONS = [
  "Error_Destroy Error_Message Error_GetCode Plugin_Initialize Plugin_Attributes",
  "Event_Destroy Event_IsReady Event_Error Event_Await Event_OnReady Event_Create Event_Set",
  "Client_Create Client_Destroy Client_PlatformName Client_PlatformVersion Client_ProcessIndex",
  "Client_TopologyDescription Client_Devices Client_AddressableDevices Client_LookupDevice",
  "Client_LookupAddressableDevice Client_Compile Client_DefaultDeviceAssignment Client_BufferFromHostBuffer",
  "DeviceDescription_Id DeviceDescription_ProcessIndex DeviceDescription_Attributes DeviceDescription_Kind",
  "DeviceDescription_DebugString DeviceDescription_ToString",
  "Device_GetDescription Device_IsAddressable Device_LocalHardwareId Device_MemoryStats",
  "Executable_Destroy Executable_Name Executable_NumReplicas Executable_NumPartitions Executable_NumOutputs",
  "Executable_SizeOfGeneratedCodeInBytes Executable_GetCostAnalysis Executable_OptimizedProgram",
  "Executable_OutputElementTypes Executable_OutputDimensions Executable_Fingerprint",
  "Executable_GetCompiledMemoryStats Executable_Serialize Executable_DeserializeAndLoad",
  "LoadedExecutable_Destroy LoadedExecutable_GetExecutable LoadedExecutable_AddressableDevices",
  "LoadedExecutable_Delete LoadedExecutable_Execute",
  "Buffer_Destroy Buffer_Delete Buffer_IsDeleted Buffer_ElementType Buffer_Dimensions Buffer_ToHostBuffer",
  "Buffer_OnDeviceSizeInBytes Buffer_CopyToDevice Buffer_ReadyEvent Buffer_Device",
  "TopologyDescription_Attributes TopologyDescription_Create TopologyDescription_Destroy Compile",
].join(" ").split(" ");

/** Structs that are not the arguments of one function. */
const STRUCTS = [
  "Extension_Base Api_Version NamedValue Program ExecuteOptions",
  "Buffer_MemoryLayout_Tiled Buffer_MemoryLayout_Strides Buffer_MemoryLayout",
  "KeyValueGetCallback_Args KeyValueTryGetCallback_Args KeyValuePutCallback_Args",
].join(" ").split(" ");

const ENUMS =
  "Error_Code NamedValue_Type Buffer_Type HostBufferSemantics Buffer_MemoryLayout_Type Extension_Type"
    .split(" ");

const SCALARS: Record<string, { type: string; bytes: number }> = {
  bool: { type: "bool", bytes: 1 },
  int: { type: "i32", bytes: 4 },
  int32_t: { type: "i32", bytes: 4 },
  float: { type: "f32", bytes: 4 },
  size_t: { type: "usize", bytes: 8 },
  int64_t: { type: "i64", bytes: 8 },
  uint64_t: { type: "u64", bytes: 8 },
  intptr_t: { type: "i64", bytes: 8 },
  uintptr_t: { type: "pointer", bytes: 8 },
};

interface Field {
  name: string;
  at: number;
  type: string;
}

interface Layout {
  /** What struct_size must say: the end of the last field. */
  size: number;
  /** sizeof: `size` rounded up to the alignment. */
  padded: number;
  align: number;
  fields: Field[];
}

interface Header {
  structs: Map<string, string>;
  enums: Map<string, Map<string, number>>;
  pointers: Set<string>;
  version: [major: number, minor: number];
  functions: string[];
}

function parse(text: string): Header {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
  const structs = new Map<string, string>();
  for (const m of code.matchAll(/(?:typedef\s+)?struct\s+(PJRT_\w+)\s*\{/g)) {
    structs.set(m[1], braces(code, m.index + m[0].length));
  }
  const enums = new Map<string, Map<string, number>>();
  for (const m of code.matchAll(/typedef\s+enum\s*\{([^}]*)\}\s*(PJRT_\w+)\s*;/g)) {
    const values = new Map<string, number>();
    let next = 0;
    for (const item of m[1].split(",").map((s) => s.trim()).filter(Boolean)) {
      const [name, value] = item.split("=").map((s) => s.trim());
      next = value === undefined ? next : Number(value);
      if (!Number.isInteger(next)) throw new Error(`Cannot read the enum value ${item} of ${m[2]}.`);
      values.set(name, next++);
    }
    enums.set(m[2], values);
  }
  const pointers = new Set(
    [...code.matchAll(/typedef\s+[\w\s*]+\(\s*\*\s*(PJRT_\w+)\s*\)\s*\(/g)].map((m) => m[1]),
  );
  const version = (word: string) => {
    const m = new RegExp(`#define\\s+PJRT_API_${word}\\s+(\\d+)`).exec(code);
    if (!m) throw new Error(`The header does not define PJRT_API_${word}. Is it pjrt_c_api.h?`);
    return Number(m[1]);
  };
  const table = structs.get("PJRT_Api");
  if (!table) throw new Error("The header has no struct PJRT_Api. Is it pjrt_c_api.h?");
  const functions = [...table.matchAll(/_PJRT_API_STRUCT_FIELD\((\w+)\)/g)].map((m) => m[1]);
  return { structs, enums, pointers, version: [version("MAJOR"), version("MINOR")], functions };
}

/** The text between the brace before `from` and its partner. */
function braces(code: string, from: number): string {
  let depth = 1;
  let end = from;
  while (depth > 0) {
    if (end >= code.length) throw new Error("A brace is never closed.");
    depth += code[end] === "{" ? 1 : code[end] === "}" ? -1 : 0;
    end++;
  }
  return code.slice(from, end - 1);
}

function layoutOf(header: Header, name: string): Layout {
  const body = header.structs.get(name);
  if (body === undefined) throw new Error(`The header has no struct ${name}.`);
  return place(header, body, name, 0, false);
}

function place(header: Header, body: string, name: string, start: number, union: boolean): Layout {
  const fields: Field[] = [];
  let end = start;
  let align = 1;
  const add = (bytes: number, alignment: number, make: (at: number) => Field[]) => {
    const at = Math.ceil((union ? start : end) / alignment) * alignment;
    fields.push(...make(at));
    end = union ? Math.max(end, at + bytes) : at + bytes;
    align = Math.max(align, alignment);
  };
  for (let rest = body.trim(); rest !== "";) {
    const inner = /^union\s*\{/.exec(rest);
    if (inner) {
      const text = braces(rest, inner[0].length);
      const probe = place(header, text, name, 0, true);
      add(probe.padded, probe.align, (at) => place(header, text, name, at, true).fields);
      rest = rest.slice(inner[0].length + text.length).replace(/^\}\s*;/, "").trim();
      continue;
    }
    const stop = rest.indexOf(";");
    if (stop < 0) throw new Error(`Cannot read "${rest}" in ${name}.`);
    const line = rest.slice(0, stop).replace(/\s+/g, " ").trim();
    rest = rest.slice(stop + 1).trim();
    const callback = /\(\s*\*\s*(\w+)\s*\)/.exec(line);
    const plain = /^(?:const )?(?:struct )?(\w+)(.*?)(\w+)$/.exec(line);
    if (!callback && !plain) throw new Error(`Cannot read the field "${line}" of ${name}.`);
    const field = callback ? callback[1] : plain![3];
    const type = callback ? "" : plain![1];
    if (callback || plain![2].includes("*") || header.pointers.has(type)) {
      add(8, 8, (at) => [{ name: field, at, type: "pointer" }]);
    } else if (SCALARS[type]) {
      add(SCALARS[type].bytes, SCALARS[type].bytes, (at) => [{ name: field, at, type: SCALARS[type].type }]);
    } else if (header.enums.has(type)) {
      add(4, 4, (at) => [{ name: field, at, type: "i32" }]);
    } else if (header.structs.has(type)) {
      const nested = layoutOf(header, type);
      add(nested.padded, nested.align, (at) => [{ name: field, at, type: "struct" }]);
    } else {
      throw new Error(`Unknown type ${type} of the field ${field} in ${name}. Add it to SCALARS.`);
    }
  }
  return { size: end, padded: Math.ceil(end / align) * align, align, fields };
}

/**
 * The text of layouts.ts for a header's text.
 *
 * @throws {Error} When the header lacks an enum.
 */
export function generate(text: string): string {
  const header = parse(text);
  const out: string[] = [
    "// Written by generate.ts from XLA's pjrt_c_api.h. Do not edit: run the script again.",
    "",
    "/** How a field lies in memory. `usize` is a size_t; a `struct` lies inside and has a layout of its own. */",
    'export type FieldType = "pointer" | "usize" | "i64" | "u64" | "i32" | "f32" | "bool" | "struct";',
    "",
    "/** The version of the C API that these layouts describe. */",
    `export const API_VERSION = { major: ${header.version[0]}, minor: ${header.version[1]} } as const;`,
    "",
    "/** Structs by name (without PJRT_): what struct_size says, and [offset, type] of each field after the first two. */",
    "export const STRUCTS = {",
  ];
  for (const name of [...STRUCTS, ...FUNCTIONS.map((f) => `${f}_Args`)]) {
    const layout = layoutOf(header, `PJRT_${name}`);
    const shown = layout.fields.filter((f) => f.name !== "struct_size" && f.name !== "extension_start");
    out.push(`  ${name}: {`, `    size: ${layout.size},`);
    if (shown.length === 0) out.push("    fields: {},");
    else {
      out.push("    fields: {");
      for (const field of shown) out.push(`      ${field.name}: [${field.at}, "${field.type}"],`);
      out.push("    },");
    }
    out.push("  },");
  }
  out.push("} as const;", "");
  // PJRT_Api begins with its size, its extensions and the version struct, then one pointer a function.
  const first = 16 + layoutOf(header, "PJRT_Api_Version").padded;
  out.push("/** Byte offset of each function's pointer in PJRT_Api. */", "export const FUNCTIONS = {");
  header.functions.forEach((name, i) => out.push(`  ${name.replace(/^PJRT_/, "")}: ${first + 8 * i},`));
  out.push("} as const;", "");
  for (const name of ENUMS) {
    const values = header.enums.get(`PJRT_${name}`);
    if (!values) throw new Error(`The header has no enum PJRT_${name}.`);
    const stem = name.replace(/_Type$/, "");
    out.push(`/** The enum PJRT_${name}. */`, `export const ${name} = {`);
    for (const [key, value] of values) {
      const short = [name, stem].map((s) => `PJRT_${s}_`).find((s) => key.startsWith(s)) ?? "PJRT_";
      out.push(`  ${key.slice(short.length)}: ${value},`);
    }
    out.push("} as const;", "");
  }
  return out.join("\n");
}

if (import.meta.main) {
  const [path] = Deno.args;
  if (!path) {
    console.error("Usage: deno run -R -W src/engine/xla/pjrt/generate.ts PATH/pjrt_c_api.h");
    Deno.exit(2);
  }
  Deno.writeTextFileSync(new URL("layouts.ts", import.meta.url), generate(Deno.readTextFileSync(path)));
}
