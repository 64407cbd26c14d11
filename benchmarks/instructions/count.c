// A plugin of qemu-user (plugin interface 1, qemu 4.2 to 8) that counts the instructions a program for ARM64
// executes, and among them the multiply-adds of vectors. The few functions of the interface are declared
// here, because Debian has no package with its header.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int, void*, uint64_t);
void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void*), void*);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
static uint64_t instructions, multiply_adds;

static int multiplies_and_adds(uint32_t word) {
  return (word & 0xBFA0FC00u) == 0x0E20CC00u ||  // fmla by vector
         (word & 0xBF80F400u) == 0x0F801000u;    // fmla by element
}

static void count_block(uint64_t id, struct qemu_plugin_tb* block) {
  const size_t count = qemu_plugin_tb_n_insns(block);
  size_t found = 0;
  (void)id;
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
    found += (size_t)multiplies_and_adds(word);
  }
  qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &instructions, count);
  if (found) qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &multiply_adds, found);
}

static void print(uint64_t id, void* data) {
  (void)id, (void)data;
  fprintf(stderr, "%" PRIu64 " %" PRIu64 "\n", instructions, multiply_adds);
}

int qemu_plugin_install(uint64_t id, const void* info, int count, char** words) {
  (void)info, (void)count, (void)words;
  qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
  qemu_plugin_register_atexit_cb(id, print, NULL);
  return 0;
}
