/* A PJRT plugin of one device that copies arrays, for tests of versions. layout.h says where the fields of the structs
 * lie (AT_…), how large the structs were when it was "built" (SIZE_…), its version, how many devices it shows (DEVICES, 0
 * or 1) and how long its function table is. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layout.h"

typedef struct {
  int code;
  char text[200];
} Error;

typedef struct {
  size_t length;
  char bytes[];
} Array;

#define GET(type, args, at) (*(type*)((args) + (at)))
#define SAY(args, pointer, length, text)             \
  do {                                               \
    GET(const char*, args, pointer) = (text);        \
    GET(size_t, args, length) = sizeof(text) - 1;    \
  } while (0)

static Error* fail(int code, const char* text) {
  Error* error = malloc(sizeof *error);
  error->code = code;
  snprintf(error->text, sizeof error->text, "%s", text);
  return error;
}

/* As XLA checks it: a struct may be larger than the plugin's, not smaller. */
static Error* check(const char* name, size_t expected, char* args) {
  size_t got = GET(size_t, args, 0);
  char text[200];
  if (got >= expected) return NULL;
  snprintf(text, sizeof text, "Unexpected %s size: expected %zu, got %zu. Check installed software versions.", name,
           expected, got);
  return fail(3, text);
}

#define FUNCTION(name)                                                                \
  static Error* run_##name(char* args);                                               \
  static Error* name(char* args) {                                                    \
    Error* error = check("PJRT_" #name "_Args", SIZE_##name##_Args, args);            \
    return error ? error : run_##name(args);                                          \
  }                                                                                   \
  static Error* run_##name(char* args)

static char description;

/* Clients that were made and not destroyed. */
int alive;

static Error* Error_Message(char* args) {
  Error* error = GET(Error*, args, AT_Error_Message_Args_error);
  GET(const char*, args, AT_Error_Message_Args_message) = error->text;
  GET(size_t, args, AT_Error_Message_Args_message_size) = strlen(error->text);
  return NULL;
}
static Error* Error_GetCode(char* args) {
  GET(int, args, AT_Error_GetCode_Args_code) = GET(Error*, args, AT_Error_GetCode_Args_error)->code;
  return NULL;
}
static Error* Error_Destroy(char* args) {
  free(GET(Error*, args, AT_Error_Destroy_Args_error));
  return NULL;
}

typedef struct {
  void* devices[1];
  char fraction[40];
} Client;

/* NamedValue: name at 16 and its length at 24, type at 32, value at 40; each says at 0 how long it is. */
FUNCTION(Client_Create) {
  Client* client = calloc(1, sizeof *client);
  char* value = GET(char*, args, AT_Client_Create_Args_create_options);
  size_t count = GET(size_t, args, AT_Client_Create_Args_num_options);
  client->devices[0] = &description;
  for (size_t i = 0; i < count; i++, value += (GET(size_t, value, 0) + 7) / 8 * 8) {
    size_t length = GET(size_t, value, 24);
    const char* name = GET(const char*, value, 16);
    if (length == 15 && !memcmp(name, "memory_fraction", 15) && GET(int, value, 32) == 3) {
      snprintf(client->fraction, sizeof client->fraction, "fraction %.2f", GET(float, value, 40));
    } else if (!(length == 11 && !memcmp(name, "preallocate", 11) && GET(int, value, 32) == 4)) {
      free(client);
      return fail(3, "Unexpected option name passed to PJRT_Client_Create: preallocate or memory_fraction");
    }
  }
  GET(Client*, args, AT_Client_Create_Args_client) = client;
  alive++;
  return NULL;
}
FUNCTION(Client_Destroy) {
  free(GET(Client*, args, AT_Client_Destroy_Args_client));
  alive--;
  return NULL;
}
FUNCTION(Client_PlatformName) {
  SAY(args, AT_Client_PlatformName_Args_platform_name, AT_Client_PlatformName_Args_platform_name_size, "made up");
  return NULL;
}
FUNCTION(Client_PlatformVersion) {
  Client* client = GET(Client*, args, AT_Client_PlatformVersion_Args_client);
  GET(const char*, args, AT_Client_PlatformVersion_Args_platform_version) = client->fraction;
  GET(size_t, args, AT_Client_PlatformVersion_Args_platform_version_size) = strlen(client->fraction);
  return NULL;
}
FUNCTION(Client_ProcessIndex) { return NULL; }
FUNCTION(Client_Devices) {
  GET(void**, args, AT_Client_Devices_Args_devices) = GET(Client*, args, AT_Client_Devices_Args_client)->devices;
  GET(size_t, args, AT_Client_Devices_Args_num_devices) = DEVICES;
  return NULL;
}
FUNCTION(Client_AddressableDevices) {
  Client* client = GET(Client*, args, AT_Client_AddressableDevices_Args_client);
  GET(void**, args, AT_Client_AddressableDevices_Args_addressable_devices) = client->devices;
  GET(size_t, args, AT_Client_AddressableDevices_Args_num_addressable_devices) = DEVICES;
  return NULL;
}
FUNCTION(Device_GetDescription) {
  GET(void*, args, AT_Device_GetDescription_Args_device_description) = &description;
  return NULL;
}
FUNCTION(DeviceDescription_Id) {
  GET(int, args, AT_DeviceDescription_Id_Args_id) = 7;
  return NULL;
}
FUNCTION(DeviceDescription_Kind) {
  SAY(args, AT_DeviceDescription_Kind_Args_device_kind, AT_DeviceDescription_Kind_Args_device_kind_size, "toy");
  return NULL;
}
FUNCTION(DeviceDescription_ToString) {
  SAY(args, AT_DeviceDescription_ToString_Args_to_string, AT_DeviceDescription_ToString_Args_to_string_size, "Toy 7");
  return NULL;
}
FUNCTION(DeviceDescription_Attributes) { return NULL; }
FUNCTION(DeviceDescription_ProcessIndex) { return NULL; }
FUNCTION(Device_LocalHardwareId) { return NULL; }
FUNCTION(Device_MemoryStats) {
  GET(int64_t, args, AT_Device_MemoryStats_Args_bytes_in_use) = 42;
  if (SIZE_Device_MemoryStats_Args > AT_Device_MemoryStats_Args_bytes_limit_is_set) {
    GET(int64_t, args, AT_Device_MemoryStats_Args_bytes_limit) = 1000;
    GET(char, args, AT_Device_MemoryStats_Args_bytes_limit_is_set) = 1;
  }
  return NULL;
}
FUNCTION(Event_Destroy) { return NULL; }
FUNCTION(Event_Await) { return NULL; }
FUNCTION(Client_BufferFromHostBuffer) {
  const int64_t* dims = GET(const int64_t*, args, AT_Client_BufferFromHostBuffer_Args_dims);
  size_t length = 4;
  for (size_t i = 0; i < GET(size_t, args, AT_Client_BufferFromHostBuffer_Args_num_dims); i++) length *= dims[i];
  Array* array = malloc(sizeof *array + length);
  array->length = length;
  memcpy(array->bytes, GET(void*, args, AT_Client_BufferFromHostBuffer_Args_data), length);
  GET(Array*, args, AT_Client_BufferFromHostBuffer_Args_buffer) = array;
  return NULL;
}
FUNCTION(Buffer_ToHostBuffer) {
  Array* array = GET(Array*, args, AT_Buffer_ToHostBuffer_Args_src);
  memcpy(GET(void*, args, AT_Buffer_ToHostBuffer_Args_dst), array->bytes, array->length);
  return NULL;
}
FUNCTION(Buffer_Destroy) {
  free(GET(Array*, args, AT_Buffer_Destroy_Args_buffer));
  return NULL;
}

#define PUT(name) GET(void*, table, TABLE_##name) = name

void* GetPjrtApi(void) {
  /* Behind the table lies what no caller may take for functions. */
  static _Alignas(8) char table[TABLE_SIZE + 512];
  memset(table, 0x5a, sizeof table);
  memset(table, 0, TABLE_SIZE);
  GET(size_t, table, 0) = TABLE_SIZE;
  GET(size_t, table, 16) = 24;
  GET(int, table, 32) = MAJOR;
  GET(int, table, 36) = MINOR;
  PUT(Error_Message), PUT(Error_GetCode), PUT(Error_Destroy), PUT(Event_Destroy), PUT(Event_Await);
  PUT(Client_Create), PUT(Client_Destroy), PUT(Client_PlatformName), PUT(Client_PlatformVersion);
  PUT(Client_ProcessIndex), PUT(Client_Devices), PUT(Client_AddressableDevices), PUT(Client_BufferFromHostBuffer);
  PUT(Device_GetDescription), PUT(Device_LocalHardwareId), PUT(Device_MemoryStats);
  PUT(DeviceDescription_Id), PUT(DeviceDescription_Kind), PUT(DeviceDescription_ToString);
  PUT(DeviceDescription_Attributes), PUT(DeviceDescription_ProcessIndex);
#if TABLE_SIZE > TABLE_Buffer_ToHostBuffer
  PUT(Buffer_ToHostBuffer), PUT(Buffer_Destroy);
#endif
  return table;
}
