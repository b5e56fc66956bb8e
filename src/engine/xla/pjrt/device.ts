import { type Api, PjrtError, readNamedValues } from "./api.ts";
import { type Address, Struct } from "./memory.ts";
import type { Device, DeviceMemory, PlacedDevice } from "./types.ts";

/** Describes a native device. */
export function describeDevice(api: Api, handle: Address): Device {
  const at = descriptionOf(api, handle);
  const kind = new Struct("DeviceDescription_Kind_Args").set("device_description", at);
  api.call("DeviceDescription_Kind", kind);
  const text = new Struct("DeviceDescription_ToString_Args").set("device_description", at);
  api.call("DeviceDescription_ToString", text);
  const attributes = new Struct("DeviceDescription_Attributes_Args").set("device_description", at);
  api.call("DeviceDescription_Attributes", attributes);
  const hardware = new Struct("Device_LocalHardwareId_Args").set("device", handle);
  api.call("Device_LocalHardwareId", hardware);
  return {
    ...placeOf(api, at),
    kind: kind.text("device_kind", "device_kind_size"),
    description: text.text("to_string", "to_string_size"),
    hardwareId: hardware.get("local_hardware_id"),
    attributes: readNamedValues(attributes.get("attributes"), attributes.get("num_attributes")),
    memory: () => deviceMemory(api, handle),
  };
}

/** What is known of a device that another process may own. */
export function placeDevice(api: Api, handle: Address): PlacedDevice {
  return placeOf(api, descriptionOf(api, handle));
}

/** A device's native description, which lives as long as the device. */
function descriptionOf(api: Api, device: Address): Address {
  const args = new Struct("Device_GetDescription_Args").set("device", device);
  api.call("Device_GetDescription", args);
  return args.get("device_description");
}

function placeOf(api: Api, description: Address): PlacedDevice {
  const id = new Struct("DeviceDescription_Id_Args").set("device_description", description);
  api.call("DeviceDescription_Id", id);
  const process = new Struct("DeviceDescription_ProcessIndex_Args").set("device_description", description);
  api.call("DeviceDescription_ProcessIndex", process);
  return { id: id.get("id"), processIndex: process.get("process_index") };
}

function deviceMemory(api: Api, handle: Address): DeviceMemory | undefined {
  const args = new Struct("Device_MemoryStats_Args").set("device", handle);
  try {
    api.call("Device_MemoryStats", args);
  } catch (error) {
    if (error instanceof PjrtError && error.code === "UNIMPLEMENTED") return undefined;
    throw error;
  }
  const when = (set: number, value: number) => set ? value : undefined;
  return {
    inUse: args.get("bytes_in_use"),
    peak: when(args.get("peak_bytes_in_use_is_set"), args.get("peak_bytes_in_use")),
    limit: when(args.get("bytes_limit_is_set"), args.get("bytes_limit")),
    allocations: when(args.get("num_allocs_is_set"), args.get("num_allocs")),
    largestAllocation: when(args.get("largest_alloc_size_is_set"), args.get("largest_alloc_size")),
    reserved: when(args.get("bytes_reserved_is_set"), args.get("bytes_reserved")),
    pool: when(args.get("pool_bytes_is_set"), args.get("pool_bytes")),
  };
}
