import { type Api, loadApi, readNamedValues, writeNamedValues } from "./api.ts";
import { DeviceBuffer } from "./buffer.ts";
import { programsOf } from "./compile.ts";
import { describeDevice, placeDevice } from "./device.ts";
import { HostBufferSemantics } from "./layouts.ts";
import { type Address, addressOf, readInts, Struct } from "./memory.ts";
import { NATIVE_TYPES, Session } from "./session.ts";
import {
  type Client,
  type Device,
  ELEMENT_BYTES,
  type KeyValueCallbacks,
  type NamedValues,
} from "./types.ts";

/** The most dimensions that an array may have. */
const MAX_RANK = 32;

/** What native code reads during a call. An address does not keep what it points at; a place in this set does. */
const pinned = new Set<unknown>();

/**
 * Opens a PJRT plugin's devices.
 *
 * @param path the plugin's shared library
 * @param options the plugin's own options, such as `{ memory_fraction: 0.9, preallocate: false }` for CUDA
 * @param callbacks how the client shares values with those of other processes; must stay valid as long as the client
 * @throws {Error} When the plugin cannot be loaded, speaks another major version, or refuses the options
 */
export function openClient(path: string, options: NamedValues = {}, callbacks?: KeyValueCallbacks): Client {
  const api = loadApi(path);
  const native = writeNamedValues(options);
  const create = new Struct("Client_Create_Args");
  create.set("create_options", native.count ? native.address : 0).set("num_options", native.count);
  if (callbacks) {
    const { get, tryGet, put } = callbacks;
    create.set("kv_get_callback", get).set("kv_try_get_callback", tryGet).set("kv_put_callback", put);
  }
  pinned.add(native);
  try {
    api.call("Client_Create", create);
  } finally {
    pinned.delete(native);
  }
  const handle = create.get("client");
  try {
    return describeClient(api, handle);
  } catch (error) {
    // Nobody else can give it back, and on a graphics card it may hold most of the memory.
    api.call("Client_Destroy", new Struct("Client_Destroy_Args").set("client", handle));
    throw error;
  }
}

/** What a native client has, and what can be done with it. */
function describeClient(api: Api, handle: Address): Client {
  const name = new Struct("Client_PlatformName_Args").set("client", handle);
  api.call("Client_PlatformName", name);
  const version = new Struct("Client_PlatformVersion_Args").set("client", handle);
  api.call("Client_PlatformVersion", version);
  const process = new Struct("Client_ProcessIndex_Args").set("client", handle);
  api.call("Client_ProcessIndex", process);
  const all = new Struct("Client_Devices_Args").set("client", handle);
  api.call("Client_Devices", all);
  const list = new Struct("Client_AddressableDevices_Args").set("client", handle);
  api.call("Client_AddressableDevices", list);
  const attributes = new Struct("Plugin_Attributes_Args");
  if (api.has("Plugin_Attributes")) api.call("Plugin_Attributes", attributes);
  const handles = readInts(list.get("addressable_devices"), list.get("num_addressable_devices"));
  const devices = handles.map((h) => describeDevice(api, h));
  if (devices.length === 0) {
    throw new Error(`The PJRT plugin ${api.path} has no device that this process can address.`);
  }
  const globalDevices = readInts(all.get("devices"), all.get("num_devices")).map((h) => placeDevice(api, h));
  const session = new Session(api, handle, new Map(devices.map((d, i) => [d.id, handles[i]])));
  const platform = name.text("platform_name", "platform_name_size");
  return {
    platform,
    platformVersion: version.text("platform_version", "platform_version_size"),
    apiVersion: api.version,
    attributes: readNamedValues(attributes.get("attributes"), attributes.get("num_attributes")),
    devices,
    globalDevices,
    processIndex: process.get("process_index"),
    ...programsOf(session, { platform, devices, globalDevices }),
    buffer: uploaderOf(session, devices[0]),
    counts: () => session.counts(),
    close: () => session.close(),
  };
}

/** How a session copies arrays to its devices; those for none in particular go to the first one. */
function uploaderOf(session: Session, first: Device): Client["buffer"] {
  const { api } = session;
  // One struct for all uploads: the call copies the data before it returns, and nothing else runs meanwhile.
  const upload = new Struct("Client_BufferFromHostBuffer_Args").set("client", session.client);
  const uploadDims = new BigInt64Array(MAX_RANK);
  upload.set("dims", addressOf(uploadDims));
  upload.set("host_buffer_semantics", HostBufferSemantics.kImmutableOnlyDuringCall);

  return (data, type, dims, device = first) => {
    session.open();
    let bytes = ELEMENT_BYTES[type];
    if (dims.length > MAX_RANK) {
      throw new RangeError(`An array of ${dims.length} dimensions; ${MAX_RANK} are possible.`);
    }
    for (let i = 0; i < dims.length; i++) {
      if (!Number.isInteger(dims[i]) || dims[i] < 0) {
        throw new RangeError(`Dimensions [${dims}] must be whole, ≥ 0.`);
      }
      bytes *= dims[i];
      uploadDims[i] = BigInt(dims[i]);
    }
    if (data.byteLength !== bytes) {
      throw new RangeError(`${type}[${dims}] takes ${bytes} bytes, but the data has ${data.byteLength}.`);
    }
    upload.set("device", session.deviceHandle(device)).set("num_dims", dims.length);
    pinned.add(data);
    upload.set("data", addressOf(data)).set("type", NATIVE_TYPES[type]);
    try {
      api.call("Client_BufferFromHostBuffer", upload);
    } finally {
      pinned.delete(data);
    }
    session.destroyEvent(upload.get("done_with_host_buffer"));
    return new DeviceBuffer(session, upload.get("buffer"), type, [...dims], device);
  };
}
