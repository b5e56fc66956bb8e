// Written by generate.ts from XLA's pjrt_c_api.h. Do not edit: run the script again.

/** How a field lies in memory. `usize` is a size_t; a `struct` lies inside and has a layout of its own. */
export type FieldType = "pointer" | "usize" | "i64" | "u64" | "i32" | "f32" | "bool" | "struct";

/** The version of the C API that these layouts describe. */
export const API_VERSION = { major: 0, minor: 90 } as const;

/** Structs by name (without PJRT_): what struct_size says, and [offset, type] of each field after the first two. */
export const STRUCTS = {
  Extension_Base: {
    size: 24,
    fields: {
      type: [8, "i32"],
      next: [16, "pointer"],
    },
  },
  Api_Version: {
    size: 24,
    fields: {
      major_version: [16, "i32"],
      minor_version: [20, "i32"],
    },
  },
  NamedValue: {
    size: 56,
    fields: {
      name: [16, "pointer"],
      name_size: [24, "usize"],
      type: [32, "i32"],
      string_value: [40, "pointer"],
      int64_value: [40, "i64"],
      int64_array_value: [40, "pointer"],
      float_value: [40, "f32"],
      bool_value: [40, "bool"],
      value_size: [48, "usize"],
    },
  },
  Program: {
    size: 48,
    fields: {
      code: [16, "pointer"],
      code_size: [24, "usize"],
      format: [32, "pointer"],
      format_size: [40, "usize"],
    },
  },
  ExecuteOptions: {
    size: 112,
    fields: {
      send_callbacks: [16, "pointer"],
      recv_callbacks: [24, "pointer"],
      num_send_ops: [32, "usize"],
      num_recv_ops: [40, "usize"],
      launch_id: [48, "i32"],
      non_donatable_input_indices: [56, "pointer"],
      num_non_donatable_input_indices: [64, "usize"],
      context: [72, "pointer"],
      call_location: [80, "pointer"],
      num_tasks: [88, "usize"],
      task_ids: [96, "pointer"],
      incarnation_ids: [104, "pointer"],
    },
  },
  Buffer_MemoryLayout_Tiled: {
    size: 56,
    fields: {
      minor_to_major: [16, "pointer"],
      minor_to_major_size: [24, "usize"],
      tile_dims: [32, "pointer"],
      tile_dim_sizes: [40, "pointer"],
      num_tiles: [48, "usize"],
    },
  },
  Buffer_MemoryLayout_Strides: {
    size: 32,
    fields: {
      byte_strides: [16, "pointer"],
      num_byte_strides: [24, "usize"],
    },
  },
  Buffer_MemoryLayout: {
    size: 76,
    fields: {
      tiled: [16, "struct"],
      strides: [16, "struct"],
      type: [72, "i32"],
    },
  },
  KeyValueGetCallback_Args: {
    size: 80,
    fields: {
      key: [16, "pointer"],
      key_size: [24, "usize"],
      timeout_in_ms: [32, "i32"],
      callback_error: [40, "pointer"],
      user_arg: [48, "pointer"],
      value: [56, "pointer"],
      value_size: [64, "usize"],
      value_deleter_callback: [72, "pointer"],
    },
  },
  KeyValueTryGetCallback_Args: {
    size: 72,
    fields: {
      key: [16, "pointer"],
      key_size: [24, "usize"],
      callback_error: [32, "pointer"],
      user_arg: [40, "pointer"],
      value: [48, "pointer"],
      value_size: [56, "usize"],
      value_deleter_callback: [64, "pointer"],
    },
  },
  KeyValuePutCallback_Args: {
    size: 64,
    fields: {
      key: [16, "pointer"],
      key_size: [24, "usize"],
      value: [32, "pointer"],
      value_size: [40, "usize"],
      callback_error: [48, "pointer"],
      user_arg: [56, "pointer"],
    },
  },
  Error_Destroy_Args: {
    size: 24,
    fields: {
      error: [16, "pointer"],
    },
  },
  Error_Message_Args: {
    size: 40,
    fields: {
      error: [16, "pointer"],
      message: [24, "pointer"],
      message_size: [32, "usize"],
    },
  },
  Error_GetCode_Args: {
    size: 28,
    fields: {
      error: [16, "pointer"],
      code: [24, "i32"],
    },
  },
  Plugin_Initialize_Args: {
    size: 16,
    fields: {},
  },
  Plugin_Attributes_Args: {
    size: 32,
    fields: {
      attributes: [16, "pointer"],
      num_attributes: [24, "usize"],
    },
  },
  Event_Destroy_Args: {
    size: 24,
    fields: {
      event: [16, "pointer"],
    },
  },
  Event_IsReady_Args: {
    size: 25,
    fields: {
      event: [16, "pointer"],
      is_ready: [24, "bool"],
    },
  },
  Event_Error_Args: {
    size: 24,
    fields: {
      event: [16, "pointer"],
    },
  },
  Event_Await_Args: {
    size: 24,
    fields: {
      event: [16, "pointer"],
    },
  },
  Event_OnReady_Args: {
    size: 40,
    fields: {
      event: [16, "pointer"],
      callback: [24, "pointer"],
      user_arg: [32, "pointer"],
    },
  },
  Event_Create_Args: {
    size: 24,
    fields: {
      event: [16, "pointer"],
    },
  },
  Event_Set_Args: {
    size: 48,
    fields: {
      event: [16, "pointer"],
      error_code: [24, "i32"],
      error_message: [32, "pointer"],
      error_message_size: [40, "usize"],
    },
  },
  Client_Create_Args: {
    size: 88,
    fields: {
      create_options: [16, "pointer"],
      num_options: [24, "usize"],
      kv_get_callback: [32, "pointer"],
      kv_get_user_arg: [40, "pointer"],
      kv_put_callback: [48, "pointer"],
      kv_put_user_arg: [56, "pointer"],
      client: [64, "pointer"],
      kv_try_get_callback: [72, "pointer"],
      kv_try_get_user_arg: [80, "pointer"],
    },
  },
  Client_Destroy_Args: {
    size: 24,
    fields: {
      client: [16, "pointer"],
    },
  },
  Client_PlatformName_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      platform_name: [24, "pointer"],
      platform_name_size: [32, "usize"],
    },
  },
  Client_PlatformVersion_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      platform_version: [24, "pointer"],
      platform_version_size: [32, "usize"],
    },
  },
  Client_ProcessIndex_Args: {
    size: 28,
    fields: {
      client: [16, "pointer"],
      process_index: [24, "i32"],
    },
  },
  Client_TopologyDescription_Args: {
    size: 32,
    fields: {
      client: [16, "pointer"],
      topology: [24, "pointer"],
    },
  },
  Client_Devices_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      devices: [24, "pointer"],
      num_devices: [32, "usize"],
    },
  },
  Client_AddressableDevices_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      addressable_devices: [24, "pointer"],
      num_addressable_devices: [32, "usize"],
    },
  },
  Client_LookupDevice_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      id: [24, "i32"],
      device: [32, "pointer"],
    },
  },
  Client_LookupAddressableDevice_Args: {
    size: 40,
    fields: {
      client: [16, "pointer"],
      local_hardware_id: [24, "i32"],
      addressable_device: [32, "pointer"],
    },
  },
  Client_Compile_Args: {
    size: 56,
    fields: {
      client: [16, "pointer"],
      program: [24, "pointer"],
      compile_options: [32, "pointer"],
      compile_options_size: [40, "usize"],
      executable: [48, "pointer"],
    },
  },
  Client_DefaultDeviceAssignment_Args: {
    size: 48,
    fields: {
      client: [16, "pointer"],
      num_replicas: [24, "i32"],
      num_partitions: [28, "i32"],
      default_assignment_size: [32, "usize"],
      default_assignment: [40, "pointer"],
    },
  },
  Client_BufferFromHostBuffer_Args: {
    size: 120,
    fields: {
      client: [16, "pointer"],
      data: [24, "pointer"],
      type: [32, "i32"],
      dims: [40, "pointer"],
      num_dims: [48, "usize"],
      byte_strides: [56, "pointer"],
      num_byte_strides: [64, "usize"],
      host_buffer_semantics: [72, "i32"],
      device: [80, "pointer"],
      memory: [88, "pointer"],
      device_layout: [96, "pointer"],
      done_with_host_buffer: [104, "pointer"],
      buffer: [112, "pointer"],
    },
  },
  DeviceDescription_Id_Args: {
    size: 28,
    fields: {
      device_description: [16, "pointer"],
      id: [24, "i32"],
    },
  },
  DeviceDescription_ProcessIndex_Args: {
    size: 28,
    fields: {
      device_description: [16, "pointer"],
      process_index: [24, "i32"],
    },
  },
  DeviceDescription_Attributes_Args: {
    size: 40,
    fields: {
      device_description: [16, "pointer"],
      num_attributes: [24, "usize"],
      attributes: [32, "pointer"],
    },
  },
  DeviceDescription_Kind_Args: {
    size: 40,
    fields: {
      device_description: [16, "pointer"],
      device_kind: [24, "pointer"],
      device_kind_size: [32, "usize"],
    },
  },
  DeviceDescription_DebugString_Args: {
    size: 40,
    fields: {
      device_description: [16, "pointer"],
      debug_string: [24, "pointer"],
      debug_string_size: [32, "usize"],
    },
  },
  DeviceDescription_ToString_Args: {
    size: 40,
    fields: {
      device_description: [16, "pointer"],
      to_string: [24, "pointer"],
      to_string_size: [32, "usize"],
    },
  },
  Device_GetDescription_Args: {
    size: 32,
    fields: {
      device: [16, "pointer"],
      device_description: [24, "pointer"],
    },
  },
  Device_IsAddressable_Args: {
    size: 25,
    fields: {
      device: [16, "pointer"],
      is_addressable: [24, "bool"],
    },
  },
  Device_LocalHardwareId_Args: {
    size: 28,
    fields: {
      device: [16, "pointer"],
      local_hardware_id: [24, "i32"],
    },
  },
  Device_MemoryStats_Args: {
    size: 185,
    fields: {
      device: [16, "pointer"],
      bytes_in_use: [24, "i64"],
      peak_bytes_in_use: [32, "i64"],
      peak_bytes_in_use_is_set: [40, "bool"],
      num_allocs: [48, "i64"],
      num_allocs_is_set: [56, "bool"],
      largest_alloc_size: [64, "i64"],
      largest_alloc_size_is_set: [72, "bool"],
      bytes_limit: [80, "i64"],
      bytes_limit_is_set: [88, "bool"],
      bytes_reserved: [96, "i64"],
      bytes_reserved_is_set: [104, "bool"],
      peak_bytes_reserved: [112, "i64"],
      peak_bytes_reserved_is_set: [120, "bool"],
      bytes_reservable_limit: [128, "i64"],
      bytes_reservable_limit_is_set: [136, "bool"],
      largest_free_block_bytes: [144, "i64"],
      largest_free_block_bytes_is_set: [152, "bool"],
      pool_bytes: [160, "i64"],
      pool_bytes_is_set: [168, "bool"],
      peak_pool_bytes: [176, "i64"],
      peak_pool_bytes_is_set: [184, "bool"],
    },
  },
  Executable_Destroy_Args: {
    size: 24,
    fields: {
      executable: [16, "pointer"],
    },
  },
  Executable_Name_Args: {
    size: 40,
    fields: {
      executable: [16, "pointer"],
      executable_name: [24, "pointer"],
      executable_name_size: [32, "usize"],
    },
  },
  Executable_NumReplicas_Args: {
    size: 32,
    fields: {
      executable: [16, "pointer"],
      num_replicas: [24, "usize"],
    },
  },
  Executable_NumPartitions_Args: {
    size: 32,
    fields: {
      executable: [16, "pointer"],
      num_partitions: [24, "usize"],
    },
  },
  Executable_NumOutputs_Args: {
    size: 32,
    fields: {
      executable: [16, "pointer"],
      num_outputs: [24, "usize"],
    },
  },
  Executable_SizeOfGeneratedCodeInBytes_Args: {
    size: 32,
    fields: {
      executable: [16, "pointer"],
      size_in_bytes: [24, "i64"],
    },
  },
  Executable_GetCostAnalysis_Args: {
    size: 40,
    fields: {
      executable: [16, "pointer"],
      num_properties: [24, "usize"],
      properties: [32, "pointer"],
    },
  },
  Executable_OptimizedProgram_Args: {
    size: 32,
    fields: {
      executable: [16, "pointer"],
      program: [24, "pointer"],
    },
  },
  Executable_OutputElementTypes_Args: {
    size: 40,
    fields: {
      executable: [16, "pointer"],
      output_types: [24, "pointer"],
      num_output_types: [32, "usize"],
    },
  },
  Executable_OutputDimensions_Args: {
    size: 48,
    fields: {
      executable: [16, "pointer"],
      num_outputs: [24, "usize"],
      dims: [32, "pointer"],
      dim_sizes: [40, "pointer"],
    },
  },
  Executable_Fingerprint_Args: {
    size: 40,
    fields: {
      executable: [16, "pointer"],
      executable_fingerprint: [24, "pointer"],
      executable_fingerprint_size: [32, "usize"],
    },
  },
  Executable_GetCompiledMemoryStats_Args: {
    size: 120,
    fields: {
      executable: [16, "pointer"],
      generated_code_size_in_bytes: [24, "i64"],
      argument_size_in_bytes: [32, "i64"],
      output_size_in_bytes: [40, "i64"],
      alias_size_in_bytes: [48, "i64"],
      temp_size_in_bytes: [56, "i64"],
      host_generated_code_size_in_bytes: [64, "i64"],
      host_argument_size_in_bytes: [72, "i64"],
      host_output_size_in_bytes: [80, "i64"],
      host_alias_size_in_bytes: [88, "i64"],
      host_temp_size_in_bytes: [96, "i64"],
      peak_memory_in_bytes: [104, "i64"],
      total_size_in_bytes: [112, "i64"],
    },
  },
  Executable_Serialize_Args: {
    size: 56,
    fields: {
      executable: [16, "pointer"],
      serialized_bytes: [24, "pointer"],
      serialized_bytes_size: [32, "usize"],
      serialized_executable: [40, "pointer"],
      serialized_executable_deleter: [48, "pointer"],
    },
  },
  Executable_DeserializeAndLoad_Args: {
    size: 64,
    fields: {
      client: [16, "pointer"],
      serialized_executable: [24, "pointer"],
      serialized_executable_size: [32, "usize"],
      loaded_executable: [40, "pointer"],
      overridden_serialized_compile_options: [48, "pointer"],
      overridden_serialized_compile_options_size: [56, "usize"],
    },
  },
  LoadedExecutable_Destroy_Args: {
    size: 24,
    fields: {
      executable: [16, "pointer"],
    },
  },
  LoadedExecutable_GetExecutable_Args: {
    size: 32,
    fields: {
      loaded_executable: [16, "pointer"],
      executable: [24, "pointer"],
    },
  },
  LoadedExecutable_AddressableDevices_Args: {
    size: 40,
    fields: {
      executable: [16, "pointer"],
      addressable_devices: [24, "pointer"],
      num_addressable_devices: [32, "usize"],
    },
  },
  LoadedExecutable_Delete_Args: {
    size: 24,
    fields: {
      executable: [16, "pointer"],
    },
  },
  LoadedExecutable_Execute_Args: {
    size: 80,
    fields: {
      executable: [16, "pointer"],
      options: [24, "pointer"],
      argument_lists: [32, "pointer"],
      num_devices: [40, "usize"],
      num_args: [48, "usize"],
      output_lists: [56, "pointer"],
      device_complete_events: [64, "pointer"],
      execute_device: [72, "pointer"],
    },
  },
  Buffer_Destroy_Args: {
    size: 24,
    fields: {
      buffer: [16, "pointer"],
    },
  },
  Buffer_Delete_Args: {
    size: 24,
    fields: {
      buffer: [16, "pointer"],
    },
  },
  Buffer_IsDeleted_Args: {
    size: 25,
    fields: {
      buffer: [16, "pointer"],
      is_deleted: [24, "bool"],
    },
  },
  Buffer_ElementType_Args: {
    size: 28,
    fields: {
      buffer: [16, "pointer"],
      type: [24, "i32"],
    },
  },
  Buffer_Dimensions_Args: {
    size: 40,
    fields: {
      buffer: [16, "pointer"],
      dims: [24, "pointer"],
      num_dims: [32, "usize"],
    },
  },
  Buffer_ToHostBuffer_Args: {
    size: 56,
    fields: {
      src: [16, "pointer"],
      host_layout: [24, "pointer"],
      dst: [32, "pointer"],
      dst_size: [40, "usize"],
      event: [48, "pointer"],
    },
  },
  Buffer_OnDeviceSizeInBytes_Args: {
    size: 32,
    fields: {
      buffer: [16, "pointer"],
      on_device_size_in_bytes: [24, "usize"],
    },
  },
  Buffer_CopyToDevice_Args: {
    size: 40,
    fields: {
      buffer: [16, "pointer"],
      dst_device: [24, "pointer"],
      dst_buffer: [32, "pointer"],
    },
  },
  Buffer_ReadyEvent_Args: {
    size: 32,
    fields: {
      buffer: [16, "pointer"],
      event: [24, "pointer"],
    },
  },
  Buffer_Device_Args: {
    size: 32,
    fields: {
      buffer: [16, "pointer"],
      device: [24, "pointer"],
    },
  },
  TopologyDescription_Attributes_Args: {
    size: 40,
    fields: {
      topology: [16, "pointer"],
      attributes: [24, "pointer"],
      num_attributes: [32, "usize"],
    },
  },
  TopologyDescription_Create_Args: {
    size: 56,
    fields: {
      topology_name: [16, "pointer"],
      topology_name_size: [24, "usize"],
      create_options: [32, "pointer"],
      num_options: [40, "usize"],
      topology: [48, "pointer"],
    },
  },
  TopologyDescription_Destroy_Args: {
    size: 24,
    fields: {
      topology: [16, "pointer"],
    },
  },
  Compile_Args: {
    size: 64,
    fields: {
      topology: [16, "pointer"],
      program: [24, "pointer"],
      compile_options: [32, "pointer"],
      compile_options_size: [40, "usize"],
      client: [48, "pointer"],
      executable: [56, "pointer"],
    },
  },
} as const;

/** Byte offset of each function's pointer in PJRT_Api. */
export const FUNCTIONS = {
  Error_Destroy: 40,
  Error_Message: 48,
  Error_GetCode: 56,
  Plugin_Initialize: 64,
  Plugin_Attributes: 72,
  Event_Destroy: 80,
  Event_IsReady: 88,
  Event_Error: 96,
  Event_Await: 104,
  Event_OnReady: 112,
  Client_Create: 120,
  Client_Destroy: 128,
  Client_PlatformName: 136,
  Client_ProcessIndex: 144,
  Client_PlatformVersion: 152,
  Client_Devices: 160,
  Client_AddressableDevices: 168,
  Client_LookupDevice: 176,
  Client_LookupAddressableDevice: 184,
  Client_AddressableMemories: 192,
  Client_Compile: 200,
  Client_DefaultDeviceAssignment: 208,
  Client_BufferFromHostBuffer: 216,
  DeviceDescription_Id: 224,
  DeviceDescription_ProcessIndex: 232,
  DeviceDescription_Attributes: 240,
  DeviceDescription_Kind: 248,
  DeviceDescription_DebugString: 256,
  DeviceDescription_ToString: 264,
  Device_GetDescription: 272,
  Device_IsAddressable: 280,
  Device_LocalHardwareId: 288,
  Device_AddressableMemories: 296,
  Device_DefaultMemory: 304,
  Device_MemoryStats: 312,
  Memory_Id: 320,
  Memory_Kind: 328,
  Memory_DebugString: 336,
  Memory_ToString: 344,
  Memory_AddressableByDevices: 352,
  Executable_Destroy: 360,
  Executable_Name: 368,
  Executable_NumReplicas: 376,
  Executable_NumPartitions: 384,
  Executable_NumOutputs: 392,
  Executable_SizeOfGeneratedCodeInBytes: 400,
  Executable_GetCostAnalysis: 408,
  Executable_OutputMemoryKinds: 416,
  Executable_OptimizedProgram: 424,
  Executable_Serialize: 432,
  LoadedExecutable_Destroy: 440,
  LoadedExecutable_GetExecutable: 448,
  LoadedExecutable_AddressableDevices: 456,
  LoadedExecutable_Delete: 464,
  LoadedExecutable_IsDeleted: 472,
  LoadedExecutable_Execute: 480,
  Executable_DeserializeAndLoad: 488,
  LoadedExecutable_Fingerprint: 496,
  Buffer_Destroy: 504,
  Buffer_ElementType: 512,
  Buffer_Dimensions: 520,
  Buffer_UnpaddedDimensions: 528,
  Buffer_DynamicDimensionIndices: 536,
  Buffer_GetMemoryLayout: 544,
  Buffer_OnDeviceSizeInBytes: 552,
  Buffer_Device: 560,
  Buffer_Memory: 568,
  Buffer_Delete: 576,
  Buffer_IsDeleted: 584,
  Buffer_CopyToDevice: 592,
  Buffer_ToHostBuffer: 600,
  Buffer_IsOnCpu: 608,
  Buffer_ReadyEvent: 616,
  Buffer_UnsafePointer: 624,
  Buffer_IncreaseExternalReferenceCount: 632,
  Buffer_DecreaseExternalReferenceCount: 640,
  Buffer_OpaqueDeviceMemoryDataPointer: 648,
  CopyToDeviceStream_Destroy: 656,
  CopyToDeviceStream_AddChunk: 664,
  CopyToDeviceStream_TotalBytes: 672,
  CopyToDeviceStream_GranuleSize: 680,
  CopyToDeviceStream_CurrentBytes: 688,
  TopologyDescription_Create: 696,
  TopologyDescription_Destroy: 704,
  TopologyDescription_PlatformName: 712,
  TopologyDescription_PlatformVersion: 720,
  TopologyDescription_GetDeviceDescriptions: 728,
  TopologyDescription_Serialize: 736,
  TopologyDescription_Attributes: 744,
  Compile: 752,
  Executable_OutputElementTypes: 760,
  Executable_OutputDimensions: 768,
  Buffer_CopyToMemory: 776,
  Client_CreateViewOfDeviceBuffer: 784,
  Executable_Fingerprint: 792,
  Client_TopologyDescription: 800,
  Executable_GetCompiledMemoryStats: 808,
  Memory_Kind_Id: 816,
  ExecuteContext_Create: 824,
  ExecuteContext_Destroy: 832,
  Buffer_CopyRawToHost: 840,
  AsyncHostToDeviceTransferManager_Destroy: 848,
  AsyncHostToDeviceTransferManager_TransferData: 856,
  Client_CreateBuffersForAsyncHostToDevice: 864,
  AsyncHostToDeviceTransferManager_RetrieveBuffer: 872,
  AsyncHostToDeviceTransferManager_Device: 880,
  AsyncHostToDeviceTransferManager_BufferCount: 888,
  AsyncHostToDeviceTransferManager_BufferSize: 896,
  AsyncHostToDeviceTransferManager_SetBufferError: 904,
  AsyncHostToDeviceTransferManager_AddMetadata: 912,
  Client_DmaMap: 920,
  Client_DmaUnmap: 928,
  Client_CreateUninitializedBuffer: 936,
  Client_UpdateGlobalProcessInfo: 944,
  TopologyDescription_Deserialize: 952,
  Client_CreateAliasBuffer: 960,
  Client_FulfillAliasBuffer: 968,
  LoadedExecutable_GetDeviceAssignment: 976,
  Client_CreateErrorBuffer: 984,
  AsyncHostToDeviceTransferManager_TransferLiteral: 992,
  Buffer_CopyRawToHostFuture: 1000,
  Device_PoisonExecution: 1008,
  Device_CreateAsyncTrackingEvent: 1016,
  AsyncTrackingEvent_Destroy: 1024,
  Executable_GetCompileOptions: 1032,
  Buffer_DonateWithControlDependency: 1040,
  Event_Create: 1048,
  Event_Set: 1056,
} as const;

/** The enum PJRT_Error_Code. */
export const Error_Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The enum PJRT_NamedValue_Type. */
export const NamedValue_Type = {
  kString: 0,
  kInt64: 1,
  kInt64List: 2,
  kFloat: 3,
  kBool: 4,
} as const;

/** The enum PJRT_Buffer_Type. */
export const Buffer_Type = {
  INVALID: 0,
  PRED: 1,
  S8: 2,
  S16: 3,
  S32: 4,
  S64: 5,
  U8: 6,
  U16: 7,
  U32: 8,
  U64: 9,
  F16: 10,
  F32: 11,
  F64: 12,
  BF16: 13,
  C64: 14,
  C128: 15,
  F8E5M2: 16,
  F8E4M3FN: 17,
  F8E4M3B11FNUZ: 18,
  F8E5M2FNUZ: 19,
  F8E4M3FNUZ: 20,
  S4: 21,
  U4: 22,
  TOKEN: 23,
  S2: 24,
  U2: 25,
  F8E4M3: 26,
  F8E3M4: 27,
  F8E8M0FNU: 28,
  F4E2M1FN: 29,
} as const;

/** The enum PJRT_HostBufferSemantics. */
export const HostBufferSemantics = {
  kImmutableOnlyDuringCall: 0,
  kImmutableUntilTransferCompletes: 1,
  kImmutableZeroCopy: 2,
  kMutableZeroCopy: 3,
} as const;

/** The enum PJRT_Buffer_MemoryLayout_Type. */
export const Buffer_MemoryLayout_Type = {
  Tiled: 0,
  Strides: 1,
} as const;

/** The enum PJRT_Extension_Type. */
export const Extension_Type = {
  Gpu_Custom_Call: 0,
  Profiler: 1,
  Custom_Partitioner: 2,
  Stream: 3,
  Layouts: 4,
  FFI: 5,
  MemoryDescriptions: 6,
  Triton: 7,
  RawBuffer: 8,
  PhaseCompile: 9,
  Example: 10,
  Unknown: 11,
  CrossHostTransfers: 12,
  ExecutableMetadata: 13,
  Callback: 14,
  HostAllocator: 15,
  TpuTopology: 16,
  TpuExecutable: 17,
  Megascale: 18,
} as const;
