/* A driver's library with two cards, of which one is lost. */
#include <string.h>

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
  strncpy(text, "580.159.04", length);
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned *count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = (void *)(size_t)(index + 1);
  return index == 1 ? 15 : 0;
}
int nvmlDeviceGetName(void *device, char *text, unsigned length) {
  strncpy(text, device == (void *)1 ? "NVIDIA H200" : "another", length);
  return 0;
}
