/*
 * A PJRT plugin that lets processes of one machine compute as several hosts, to test with: XLA's own CPU plugin knows no
 * other process. It wraps that plugin. Every process opens the devices of all of them, shows its own as the ones that it
 * can address, and computes the whole program, for which the processes hand each other their arguments in files. So what
 * comes out is what real hosts would compute, and what the processes tell each other beforehand goes through the
 * key-value callbacks as in CUDA's plugin, from several threads.
 *
 * WRAPPED: path of the CPU plugin. EXCHANGE: a folder. OWN_DEVICES: devices of each process. layouts.h holds the offsets.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "layouts.h"

typedef void *(*Call)(void *);
#define PTR(s, at) (*(void **)((char *)(s) + (at)))
#define I64(s, at) (*(int64_t *)((char *)(s) + (at)))
#define I32(s, at) (*(int32_t *)((char *)(s) + (at)))
#define ARGS(name, type) char name[512] = {0}; I64(name, 0) = type##__SIZE

static char *wrapped, table[8192];
static int nodes = 1, node = 0, own = 1;
static void *client, **devices;

static void *call(int function, void *args) { return ((Call)PTR(wrapped, function))(args); }
/* Calls a function about one thing, whose answer is then in `name`. */
#define ASK(name, function, field, thing)        \
  ARGS(name, function##_Args);                   \
  PTR(name, function##_Args__##field) = (thing); \
  call(FN_##function, name)

/* Errors of our own, which only our three functions below understand. */
typedef struct { uint64_t magic; int code; char text[1000]; } Failure;
#define MAGIC 0x5eed5eed5eed5eedULL
static void *failure(int code, const char *text, size_t size) {
  Failure *made = calloc(1, sizeof *made);
  made->magic = MAGIC;
  made->code = code;
  memcpy(made->text, text, size < sizeof made->text ? size : sizeof made->text - 1);
  return made;
}
static Failure *ours(void *error) { return error && *(uint64_t *)error == MAGIC ? error : NULL; }
static void *error_message(void *args) {
  Failure *f = ours(PTR(args, Error_Message_Args__error));
  if (!f) return call(FN_Error_Message, args);
  PTR(args, Error_Message_Args__message) = f->text;
  I64(args, Error_Message_Args__message_size) = strlen(f->text);
  return NULL;
}
static void *error_code(void *args) {
  Failure *f = ours(PTR(args, Error_GetCode_Args__error));
  if (!f) return call(FN_Error_GetCode, args);
  I32(args, Error_GetCode_Args__code) = f->code;
  return NULL;
}
static void *error_destroy(void *args) {
  Failure *f = ours(PTR(args, Error_Destroy_Args__error));
  if (!f) return call(FN_Error_Destroy, args);
  free(f);
  return NULL;
}

static void *(*maker)(int, const char *, size_t) = failure;

typedef struct { void *create; char key[64], value[64]; void *error; } Put;
static void *put(void *given) {
  Put *p = given;
  ARGS(args, KeyValuePutCallback_Args);
  PTR(args, KeyValuePutCallback_Args__key) = p->key;
  I64(args, KeyValuePutCallback_Args__key_size) = strlen(p->key);
  PTR(args, KeyValuePutCallback_Args__value) = p->value;
  I64(args, KeyValuePutCallback_Args__value_size) = strlen(p->value);
  PTR(args, KeyValuePutCallback_Args__callback_error) = &maker;
  p->error = ((Call)PTR(p->create, Client_Create_Args__kv_put_callback))(args);
  return NULL;
}

/* Every process tells the others how many devices it has, on a thread of its own, while it waits for them on this one. */
static void *meet(void *create) {
  Put mine = {.create = create};
  snprintf(mine.key, sizeof mine.key, "devices/of %d", node);
  snprintf(mine.value, sizeof mine.value, "%d", own);
  ARGS(try, KeyValueTryGetCallback_Args);
  PTR(try, KeyValueTryGetCallback_Args__key) = "nobody sets this";
  I64(try, KeyValueTryGetCallback_Args__key_size) = 16;
  PTR(try, KeyValueTryGetCallback_Args__callback_error) = &maker;
  void *error = ((Call)PTR(create, Client_Create_Args__kv_try_get_callback))(try);
  if (!ours(error) || ours(error)->code != 5) return error ? error : failure(13, "a key from nowhere", 18);
  free(error);
  pthread_t thread;
  pthread_create(&thread, NULL, put, &mine);
  error = NULL;
  for (int i = 0; i < nodes && !error; i++) {
    char key[64];
    ARGS(get, KeyValueGetCallback_Args);
    PTR(get, KeyValueGetCallback_Args__key) = key;
    I64(get, KeyValueGetCallback_Args__key_size) = snprintf(key, sizeof key, "devices/of %d", i);
    I32(get, KeyValueGetCallback_Args__timeout_in_ms) = 20000;
    PTR(get, KeyValueGetCallback_Args__callback_error) = &maker;
    error = ((Call)PTR(create, Client_Create_Args__kv_get_callback))(get);
    if (error) break;
    char *value = PTR(get, KeyValueGetCallback_Args__value);
    if (I64(get, KeyValueGetCallback_Args__value_size) < 1 || value[0] - '0' != own) {
      error = failure(9, "the processes have different numbers of devices", 47);
    }
    ((void (*)(char *))PTR(get, KeyValueGetCallback_Args__value_deleter_callback))(value);
  }
  pthread_join(thread, NULL);
  return error ? error : mine.error;
}

static void *client_create(void *args) {
  char *option = PTR(args, Client_Create_Args__create_options);
  for (int64_t i = 0; i < I64(args, Client_Create_Args__num_options); i++, option += NamedValue__SIZE) {
    const char *name = PTR(option, NamedValue__name);
    if (!strcmp(name, "num_nodes")) nodes = I64(option, NamedValue__int64_value);
    if (!strcmp(name, "node_id")) node = I64(option, NamedValue__int64_value);
  }
  if (getenv("OWN_DEVICES")) own = atoi(getenv("OWN_DEVICES"));
  void *error = nodes > 1 ? meet(args) : NULL;
  if (error) return error;
  ARGS(count, NamedValue);
  PTR(count, NamedValue__name) = "cpu_device_count";
  I64(count, NamedValue__name_size) = 16;
  I32(count, NamedValue__type) = NamedValue_Type__kInt64;
  I64(count, NamedValue__int64_value) = nodes * own;
  I64(count, NamedValue__value_size) = 1;
  ARGS(create, Client_Create_Args);
  PTR(create, Client_Create_Args__create_options) = count;
  I64(create, Client_Create_Args__num_options) = 1;
  if ((error = call(FN_Client_Create, create))) return error;
  client = PTR(args, Client_Create_Args__client) = PTR(create, Client_Create_Args__client);
  ARGS(list, Client_AddressableDevices_Args);
  PTR(list, Client_AddressableDevices_Args__client) = client;
  error = call(FN_Client_AddressableDevices, list);
  devices = PTR(list, Client_AddressableDevices_Args__addressable_devices);
  return error;
}

static void *process_index(void *args) {
  I32(args, Client_ProcessIndex_Args__process_index) = node;
  return NULL;
}
static void *addressable(void *args) {
  void *error = call(FN_Client_AddressableDevices, args);
  PTR(args, Client_AddressableDevices_Args__addressable_devices) = devices + node * own;
  I64(args, Client_AddressableDevices_Args__num_addressable_devices) = own;
  return error;
}
static void *device_process(void *args) {
  ARGS(id, DeviceDescription_Id_Args);
  PTR(id, DeviceDescription_Id_Args__device_description) =
      PTR(args, DeviceDescription_ProcessIndex_Args__device_description);
  void *error = call(FN_DeviceDescription_Id, id);
  I32(args, DeviceDescription_ProcessIndex_Args__process_index) = I32(id, DeviceDescription_Id_Args__id) / own;
  return error;
}
static void *executable_devices(void *args) {
  void *error = call(FN_LoadedExecutable_AddressableDevices, args);
  if (I64(args, LoadedExecutable_AddressableDevices_Args__num_addressable_devices) == nodes * own) {
    void ***list = (void ***)&PTR(args, LoadedExecutable_AddressableDevices_Args__addressable_devices);
    *list += node * own;
    I64(args, LoadedExecutable_AddressableDevices_Args__num_addressable_devices) = own;
  }
  return error;
}

static void settle(void *event) {
  ASK(await, Event_Await, event, event);
  ASK(destroy, Event_Destroy, event, event);
}
static void drop(void *buffer) { ASK(destroy, Buffer_Destroy, buffer, buffer); }
static char *contents(void *buffer, int64_t *size) {
  ASK(copy, Buffer_ToHostBuffer, src, buffer); /* without a place it says how much there is */
  *size = I64(copy, Buffer_ToHostBuffer_Args__dst_size);
  char *data = malloc(*size + 1);
  PTR(copy, Buffer_ToHostBuffer_Args__dst) = data;
  call(FN_Buffer_ToHostBuffer, copy);
  settle(PTR(copy, Buffer_ToHostBuffer_Args__event));
  return data;
}
/* A buffer on another process's device, shaped as ours. */
static void *twin(void *like, const char *data, void *device) {
  ASK(type, Buffer_ElementType, buffer, like);
  ASK(dims, Buffer_Dimensions, buffer, like);
  ARGS(make, Client_BufferFromHostBuffer_Args);
  PTR(make, Client_BufferFromHostBuffer_Args__client) = client;
  PTR(make, Client_BufferFromHostBuffer_Args__data) = (void *)data;
  I32(make, Client_BufferFromHostBuffer_Args__type) = I32(type, Buffer_ElementType_Args__type);
  PTR(make, Client_BufferFromHostBuffer_Args__dims) = PTR(dims, Buffer_Dimensions_Args__dims);
  I64(make, Client_BufferFromHostBuffer_Args__num_dims) = I64(dims, Buffer_Dimensions_Args__num_dims);
  PTR(make, Client_BufferFromHostBuffer_Args__device) = device;
  if (call(FN_Client_BufferFromHostBuffer, make)) abort();
  settle(PTR(make, Client_BufferFromHostBuffer_Args__done_with_host_buffer));
  return PTR(make, Client_BufferFromHostBuffer_Args__buffer);
}

static void *execute(void *args) {
  static long rounds = 0;
  void *loaded = PTR(args, LoadedExecutable_Execute_Args__executable);
  ASK(list, LoadedExecutable_AddressableDevices, executable, loaded);
  int all = nodes * own;
  if (nodes == 1 || I64(list, LoadedExecutable_AddressableDevices_Args__num_addressable_devices) != all) {
    return call(FN_LoadedExecutable_Execute, args);
  }
  int64_t given = I64(args, LoadedExecutable_Execute_Args__num_args), size;
  void ***local = PTR(args, LoadedExecutable_Execute_Args__argument_lists);
  char path[2][4096];
  const char *folder = getenv("EXCHANGE");
  long number = rounds++;
  snprintf(path[0], sizeof path[0], "%s/part-%ld-%d.tmp", folder, number, node);
  snprintf(path[1], sizeof path[1], "%s/%ld-%d", folder, number, node);
  FILE *file = fopen(path[0], "wb");
  for (int d = 0; d < own; d++) {
    for (int64_t a = 0; a < given; a++) {
      char *data = contents(local[d][a], &size);
      fwrite(&size, sizeof size, 1, file);
      fwrite(data, 1, size, file);
      free(data);
    }
  }
  fclose(file);
  rename(path[0], path[1]);

  void ***inputs = calloc(all, sizeof *inputs);
  for (int p = 0; p < nodes; p++) {
    snprintf(path[0], sizeof path[0], "%s/%ld-%d", folder, number, p);
    while (p != node && access(path[0], R_OK)) usleep(500); /* as collectives do, for ever */
    file = p == node ? NULL : fopen(path[0], "rb");
    for (int d = 0; d < own; d++) {
      void **row = inputs[p * own + d] = calloc(given + 1, sizeof *row);
      for (int64_t a = 0; a < given; a++) {
        if (p == node) {
          row[a] = local[d][a];
          continue;
        }
        if (fread(&size, sizeof size, 1, file) != 1) abort();
        char *data = malloc(size + 1);
        if (fread(data, 1, size, file) != (size_t)size) abort();
        row[a] = twin(local[d][a], data, devices[p * own + d]);
        free(data);
      }
    }
    if (file) fclose(file);
  }

  ASK(get, LoadedExecutable_GetExecutable, loaded_executable, loaded);
  void *program = PTR(get, LoadedExecutable_GetExecutable_Args__executable);
  ASK(outputs, Executable_NumOutputs, executable, program);
  int64_t results = I64(outputs, Executable_NumOutputs_Args__num_outputs);
  ASK(gone, Executable_Destroy, executable, program);

  void ***out = calloc(all, sizeof *out), ***wanted = PTR(args, LoadedExecutable_Execute_Args__output_lists);
  for (int d = 0; d < all; d++) out[d] = calloc(results + 1, sizeof **out);
  ARGS(run, LoadedExecutable_Execute_Args);
  memcpy(run, args, I64(args, 0));
  I64(run, LoadedExecutable_Execute_Args__num_devices) = all;
  PTR(run, LoadedExecutable_Execute_Args__argument_lists) = inputs;
  PTR(run, LoadedExecutable_Execute_Args__output_lists) = out;
  void *error = call(FN_LoadedExecutable_Execute, run);
  for (int d = 0; d < all; d++) {
    int mine = d / own == node;
    for (int64_t a = 0; a < given && !mine; a++) drop(inputs[d][a]);
    for (int64_t r = 0; r < results && !error; r++) {
      if (mine) wanted[d - node * own][r] = out[d][r];
      else drop(out[d][r]);
    }
    free(inputs[d]);
    free(out[d]);
  }
  free(inputs);
  free(out);
  return error;
}

void *GetPjrtApi(void) {
  if (wrapped) return table;
  void *library = dlopen(getenv("WRAPPED"), RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  wrapped = ((void *(*)(void))dlsym(library, "GetPjrtApi"))();
  memcpy(table, wrapped, I64(wrapped, 0));
  PTR(table, FN_Error_Message) = error_message;
  PTR(table, FN_Error_GetCode) = error_code;
  PTR(table, FN_Error_Destroy) = error_destroy;
  PTR(table, FN_Client_Create) = client_create;
  PTR(table, FN_Client_ProcessIndex) = process_index;
  PTR(table, FN_Client_AddressableDevices) = addressable;
  PTR(table, FN_DeviceDescription_ProcessIndex) = device_process;
  PTR(table, FN_LoadedExecutable_AddressableDevices) = executable_devices;
  PTR(table, FN_LoadedExecutable_Execute) = execute;
  return table;
}
