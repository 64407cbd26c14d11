// The PTX interpreter: the semantics of instructions, and the errors that it reports.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "cuda/ptx/block.hpp"

using namespace pretext::tests::ptx;

namespace {

/// A device that runs kernels with one parameter, the address of an array.
struct device {
  device_memory memory{};
  shared_memory shared{};

  template <class T>
  std::uint64_t upload(const std::vector<T>& data) {
    const std::size_t bytes = data.size() * sizeof(T);
    const std::uint64_t address = memory.allocate(bytes);
    REQUIRE(memory.on_write(address, bytes) == nullptr);
    std::memcpy(memory.host_pointer(address), data.data(), bytes);
    return address;
  }
  template <class T>
  std::vector<T> get(std::uint64_t address, std::size_t count) {
    std::vector<T> data(count);
    REQUIRE(memory.on_read(address, count * sizeof(T)) == nullptr);
    std::memcpy(data.data(), memory.host_pointer(address), count * sizeof(T));
    return data;
  }

  /// `body` receives the address in %rd1, the thread's index in %r1 (times 4 in %rd2, plus the address in
  /// %rd3) and the block's in %r2. Registers from %r3, %rd4, %f1, %fd1 and %p1 on are free.
  void run(std::uint64_t data, const grid_of_blocks& grid, const std::string& body,
           const std::string& before = "") {
    program text = program_of(body, before);
    run_kernel(text.find("it"), grid, parameters_of(data), memory, shared);
  }
  /// What block 0 is counted to do.
  block_counts count(std::uint64_t data, const grid_of_blocks& grid, const std::string& body) {
    program text = program_of(body, "");
    block_counts counted;
    const auto parameters = parameters_of(data);
    kernel_run{text.find("it"), grid, parameters, memory, shared, &counted}.run(0);
    return counted;
  }
  program program_of(const std::string& body, const std::string& before) {
    return program{
        ".version 8.0\n.target sm_80\n.address_size 64\n" + before +
            ".extern .shared .align 32 .b8 memory[];\n"
            ".visible .entry it(\n.param .align 8 .b8 it_param[8]\n)\n.maxntid 256, 1, 1\n{\n"
            ".reg .pred %p<9>;\n.reg .b32 %r<20>;\n.reg .b64 %rd<20>;\n.reg .f32 %f<60>;\n"
            ".reg .f64 %fd<9>;\n.reg .b16 %rs<9>;\n"
            "ld.param.u64 %rd1, [it_param];  // where\nmov.u32 %r1, %tid.x;\nmov.u32 %r2, %ctaid.x;\n"
            "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n" +
            body + "\nret;\n}\n",
        memory};
  }
  static std::vector<std::byte> parameters_of(std::uint64_t data) {
    std::vector<std::byte> parameters(sizeof data);
    std::memcpy(parameters.data(), &data, sizeof data);
    return parameters;
  }
  /// The fault's message, or "nothing".
  std::string fault_of(std::uint64_t data, const grid_of_blocks& grid, const std::string& body) {
    try {
      run(data, grid, body);
    } catch (const fault& wrong) { return wrong.what(); }
    return "nothing";
  }
  bool faults_with(const std::string& words, std::uint64_t data, const grid_of_blocks& grid,
                   const std::string& body) {
    const std::string message = fault_of(data, grid, body);
    INFO(message);
    return message.find(words) != std::string::npos;
  }
};

using ints = std::vector<std::int32_t>;
using words = std::vector<std::uint32_t>;
constexpr grid_of_blocks one_warp{1, 32, 1024};

/// The result of one thread's code for two words.
std::uint32_t of(const std::string& body, std::uint32_t a, std::uint32_t b = 0) {
  device d;
  const auto data = d.upload(words{a, b, 0});
  d.run(
      data, {1, 1, 0},
      "ld.global.u32 %r3, [%rd1];\nld.global.u32 %r4, [%rd1+4];\n" + body + "\nst.global.u32 [%rd1+8], %r5;");
  return d.get<std::uint32_t>(data, 3)[2];
}

}  // namespace

TEST_CASE("threads diverge at a branch and reconverge after it") {
  device d;
  const auto data = d.upload(ints(32, 7));
  d.run(data, one_warp, R"(
    and.b32 %r3, %r1, 1;
    setp.eq.s32 %p1, %r3, 0;
    @%p1 bra $even;
    mov.u32 %r4, -100;
    bra.uni $all;
$even:
    mul.lo.s32 %r4, %r1, %r1;
$all:
    bar.warp.sync -1;
    st.global.u32 [%rd3], %r4;)");
  ints expected;
  for (int i = 0; i < 32; ++i) expected.push_back(i % 2 == 0 ? i * i : -100);
  CHECK(d.get<std::int32_t>(data, 32) == expected);
}
TEST_CASE("threads may leave a loop at different iterations") {
  device d;
  const auto data = d.upload(ints(32, 0));
  d.run(data, {1, 20, 0}, R"(
    mov.u32 %r3, 0;
    mov.u32 %r4, 0;
$again:
    add.s32 %r3, %r3, %r4;
    add.s32 %r4, %r4, 1;
    setp.le.u32 %p1, %r4, %r1;
    @%p1 bra $again;
    st.global.u32 [%rd3], %r3;)");
  ints expected(32, 0);
  for (int i = 0; i < 20; ++i) expected[static_cast<std::size_t>(i)] = i * (i + 1) / 2;
  CHECK(d.get<std::int32_t>(data, 32) == expected);
}
TEST_CASE("only a block barrier makes one warp's writes readable by another") {
  device d;
  const auto data = d.upload(ints(64, 0));
  const std::string body = R"(
    mov.u32 %r3, memory;
    mad.lo.s32 %r4, %r1, 4, %r3;
    st.shared.u32 [%r4], %r1;
    BARRIER
    sub.s32 %r5, 63, %r1;
    mad.lo.s32 %r6, %r5, 4, %r3;
    ld.shared.u32 %r7, [%r6];
    st.global.u32 [%rd3], %r7;)";
  const auto with = [&](const char* barrier) {
    return std::string{body}.replace(body.find("BARRIER"), 7, barrier);
  };
  d.run(data, {1, 64, 256}, with("bar.sync 0;"));
  CHECK(d.get<std::int32_t>(data, 64)[3] == 60);
  CHECK(d.faults_with("without a barrier in between", data, {1, 64, 256}, with("")));
  CHECK(d.faults_with("without a barrier in between", data, {1, 64, 256}, with("bar.warp.sync -1;")));
  CHECK(d.faults_with("beyond the block's shared memory", data, {1, 64, 128}, with("bar.sync 0;")));
}
TEST_CASE("a warp barrier suffices between threads of one warp") {
  device d;
  const auto data = d.upload(ints(32, 0));
  const std::string write = "shl.b32 %r3, %r1, 2;\nst.shared.u32 [%r3], %r1;\n";
  const std::string read = "xor.b32 %r4, %r3, 4;\nld.shared.u32 %r5, [%r4];\nst.global.u32 [%rd3], %r5;\n";
  d.run(data, one_warp, write + "bar.warp.sync -1;\n" + read);
  CHECK(d.get<std::int32_t>(data, 32)[6] == 7);
  CHECK(d.faults_with("another thread writes", data, one_warp, write + read));
  CHECK(d.faults_with("another thread reads", data, one_warp,
                      write + "bar.warp.sync -1;\n" + read + "st.shared.u32 [%r3], %r1;"));
  d.run(data, one_warp,
        write + "bar.warp.sync -1;\n" + read + "bar.warp.sync -1;\nst.shared.u32 [%r3], %r1;");
}
TEST_CASE("all threads of a block must reach a barrier") {
  device d;
  const auto data = d.upload(ints(64, 0));
  CHECK(d.faults_with("skips an instruction that its whole warp must execute", data, one_warp,
                      "setp.lt.u32 %p1, %r1, 7;\n@%p1 bar.sync 0;"));
  CHECK(d.faults_with("after other warps have exited", data, {1, 64, 0},
                      "setp.lt.u32 %p1, %r1, 32;\n@%p1 bra $on;\nret;\n$on:\nbar.sync 0;"));
  CHECK(d.faults_with("wait at another instruction", data, one_warp,
                      "setp.lt.u32 %p1, %r1, 7;\n@%p1 bra $on;\nbar.sync 0;\nret;\n$on:\nbar.sync 0;"));
}
TEST_CASE("accesses to unallocated, uninitialized, misaligned or racing memory are faults") {
  device d;
  const auto data = d.upload(ints(64, 1));
  const grid_of_blocks two{2, 1, 0};
  const std::uint64_t fresh = d.memory.allocate(64);
  CHECK(
      d.faults_with("reads memory that is not allocated", data, one_warp, "ld.global.u32 %r3, [%rd1+256];"));
  CHECK(d.faults_with("reads memory that is not allocated", 0, one_warp, "ld.u32 %r3, [%rd1];"));
  CHECK(
      d.faults_with("writes memory that is not allocated", data, one_warp, "st.global.u32 [%rd1+-4], %r1;"));
  CHECK(d.faults_with("reads uninitialized memory", fresh, one_warp, "ld.global.u32 %r3, [%rd1];"));
  CHECK(d.fault_of(fresh, {1, 1, 0}, "st.global.u32 [%rd1], 0;\nld.global.u32 %r3, [%rd1];") == "nothing");
  CHECK(d.faults_with("accesses 8 bytes at a misaligned address", data, one_warp,
                      "ld.global.v2.u32 {%r3, %r4}, [%rd1+4];"));
  CHECK(d.faults_with("memory that another block of the kernel writes", data, two,
                      "st.global.u32 [%rd1], %r2;"));
  CHECK(
      d.faults_with("memory that another block of the kernel writes", data, two,
                    "setp.eq.s32 %p1, %r2, 0;\n@%p1 st.global.u32 [%rd1], %r2;\nld.global.u32 %r3, [%rd1];"));
  CHECK(d.faults_with(
      "memory that another block of the kernel reads", data, two,
      "setp.eq.s32 %p1, %r2, 1;\n@%p1 st.global.u32 [%rd1], %r2;\n@!%p1 ld.global.u32 %r3, [%rd1];"));
  CHECK(d.faults_with("through the read-only cache memory that the kernel writes", data, {1, 1, 0},
                      "st.global.u32 [%rd1], %r2;\nld.global.nc.u32 %r3, [%rd1];"));
  CHECK(d.fault_of(data, two, "ld.global.u32 %r3, [%rd1];") == "nothing");
  CHECK(d.memory.release(fresh));
  CHECK(d.faults_with("writes memory that is not allocated", fresh, one_warp, "st.global.u32 [%rd1], %r1;"));
  CHECK(!d.memory.release(fresh));
}
TEST_CASE("a fault names the thread, the block and the instruction") {
  device d;
  const auto data = d.upload(ints(1, 1));
  const std::string message = d.fault_of(data, {3, 2, 0}, "ld.global.u32 %r3, [%rd3];");
  CHECK(message.find("thread 1 of block 0") == 0);
  CHECK(message.find("`ld.global.u32 %r3, [%rd3]`") != std::string::npos);
}
TEST_CASE("unsupported instructions are faults that name them") {
  device d;
  CHECK(d.faults_with("`tex.1d.v4.f32.s32 %f1, %f2`", d.upload(ints(1, 1)), one_warp,
                      "tex.1d.v4.f32.s32 %f1, %f2;"));
  CHECK(d.faults_with("`add.rz.f32 %f1, %f2, %f3`", d.upload(ints(1, 1)), one_warp,
                      "add.rz.f32 %f1, %f2, %f3;"));
  CHECK(d.faults_with("`$nowhere`", d.upload(ints(1, 1)), one_warp, "bra $nowhere;"));
}
TEST_CASE("integers wrap around, shift distances saturate, bytes are permuted and bits inserted") {
  CHECK(of("add.s32 %r5, %r3, %r4;", 0x7FFFFFFF, 1) == 0x80000000u);
  CHECK(of("mul.hi.u32 %r5, %r3, %r4;", 0x80000000u, 6) == 3);
  CHECK(of("mul.hi.s32 %r5, %r3, %r4;", 0x80000000u, 6) == static_cast<std::uint32_t>(-3));
  CHECK(of("div.s32 %r5, %r3, %r4;", static_cast<std::uint32_t>(-7), 2) == static_cast<std::uint32_t>(-3));
  CHECK(of("shr.s32 %r5, %r3, %r4;", 0x80000000u, 99) == 0xFFFFFFFFu);
  CHECK(of("shr.u32 %r5, %r3, %r4;", 0x80000000u, 99) == 0);
  CHECK(of("shl.b32 %r5, %r3, %r4;", 3, 31) == 0x80000000u);
  CHECK(of("min.s32 %r5, %r3, %r4;", static_cast<std::uint32_t>(-7), 2) == static_cast<std::uint32_t>(-7));
  CHECK(of("cvt.u64.u32 %rd4, %r3;\nclz.b64 %r5, %rd4;", 1) == 63);
  CHECK(of("add.cc.u32 %r6, %r3, %r4;\naddc.u32 %r5, 5, 0;", 0xFFFFFFFFu, 1) == 6);
  CHECK(of("sub.cc.u32 %r6, %r3, %r4;\nsubc.u32 %r5, 5, 0;", 1, 2) == 4);
  CHECK(of("mad.lo.cc.u32 %r6, %r3, %r4, -1;\nmadc.hi.u32 %r5, %r3, %r4, 7;", 0x10000, 0x10001) == 9);
  CHECK(of("prmt.b32 %r5, %r3, %r4, 30212;", 0x44332211, 0x88776655) == 0x88771155u);  // 0x7604
  CHECK(of("prmt.b32 %r5, %r3, %r4, 15;", 0x44332211, 0x88776655) == 0x111111FFu);
  CHECK(of("bfi.b32 %r5, %r3, %r4, 5, 27;", 0xABCDEF01, 0x1F) == 0x79BDE03Fu);
  CHECK(of("bfi.b32 %r5, %r3, %r4, 8, 4;", 0xFA, 0x12345678) == 0x12345A78u);
  CHECK(of("bfi.b32 %r5, %r3, %r4, 32, 4;", 0xFA, 7) == 7);
  CHECK(of("mov.b64 %rd4, {%r3, %r4};\nshr.u64 %rd5, %rd4, 16;\nmov.b64 {%r5, %r6}, %rd5;", 0xABCD0000u,
           0x1234) == 0x1234ABCDu);
}
TEST_CASE("ordered and unordered comparisons differ for NaN") {
  const std::uint32_t nan = 0x7FC00000, one = 0x3F800000;
  const auto holds = [&](const char* how, std::uint32_t a, std::uint32_t b) {
    return of(std::string{"mov.b32 %f1, %r3;\nmov.b32 %f2, %r4;\nsetp."} + how +
                  ".f32 %p1, %f1, %f2;\nselp.u32 %r5, 1, 0, %p1;",
              a, b) == 1;
  };
  for (const char* how : {"eq", "ne", "lt", "le", "gt", "ge", "num"}) CHECK_FALSE(holds(how, nan, one));
  for (const char* how : {"equ", "neu", "ltu", "leu", "gtu", "geu", "nan"}) CHECK(holds(how, nan, one));
  CHECK(holds("ge", one, one));
  CHECK_FALSE(holds("ltu", one, one));
}
TEST_CASE("conversions round, truncate and saturate as on a GPU") {
  const auto converted = [](const char* how, float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return of(std::string{"mov.b32 %f1, %r3;\n"} + how, bits);
  };
  CHECK(converted("cvt.rzi.s32.f32 %r5, %f1;", -2.9f) == static_cast<std::uint32_t>(-2));
  CHECK(converted("cvt.rni.s32.f32 %r5, %f1;", 2.5f) == 2);
  CHECK(converted("cvt.rzi.u32.f32 %r5, %f1;", -1) == 0);
  CHECK(converted("cvt.rzi.s32.f32 %r5, %f1;", 1e20f) == 0x7FFFFFFFu);
  CHECK(converted("cvt.rzi.s32.f32 %r5, %f1;", std::nanf("")) == 0);
  CHECK(converted("cvt.rn.bf16.f32 %rs1, %f1;\ncvt.u32.u16 %r5, %rs1;", 1.00390625f) == 0x3F80);  // a tie
  CHECK(converted("cvt.rn.bf16.f32 %rs1, %f1;\ncvt.u32.u16 %r5, %rs1;", 1.01171875f) == 0x3F82);
  CHECK(converted("mov.b32 %f2, 0f3F810000;\ncvt.rn.bf16x2.f32 %r5, %f1, %f2;", 1.01171875f) == 0x3F823F81u);
  CHECK(converted("cvt.sat.f32.f32 %f2, %f1;\nmov.b32 %r5, %f2;", 3) == 0x3F800000u);
  CHECK(converted("fma.rm.f32 %f2, %f1, 0f3F800000, 0f33000000;\nmov.b32 %r5, %f2;", 1) == 0x3F800000u);
  CHECK(converted("fma.rp.f32 %f2, %f1, 0f3F800000, 0f33000000;\nmov.b32 %r5, %f2;", 1) == 0x3F800001u);
}
TEST_CASE("called functions receive parameters and return results") {
  device d;
  const auto data = d.upload(ints{40, 50});
  d.run(data, {1, 2, 0}, R"(
    ld.global.u32 %r3, [%rd3];
    {
    .param .b32 param0;
    st.param.b32 [param0+0], %r3;
    .param .b32 retval0;
    call.uni (retval0), half_of, (param0);
    ld.param.b32 %r4, [retval0+0];
    }
    st.global.u32 [%rd3], %r4;)",
        R"(.func (.param .b32 half_of_retval) half_of(
.param .b32 half_of_param
)
;
.func (.param .b32 half_of_retval) half_of(
.param .b32 half_of_param
)
{
.local .align 4 .b8 depot[8];
.reg .b64 %SPL;
.reg .b32 %r<4>;
.reg .pred %p<2>;
mov.u64 %SPL, depot;
ld.param.u32 %r1, [half_of_param];
setp.gt.s32 %p1, %r1, 45;
@%p1 bra $L_large;
st.local.u32 [%SPL+4], %r1;
ld.local.u32 %r2, [%SPL+4];
shr.s32 %r3, %r2, 1;
st.param.b32 [half_of_retval+0], %r3;
ret;
$L_large:
st.param.b32 [half_of_retval+0], -1;
ret;
}
)");
  CHECK(d.get<std::int32_t>(data, 2) == ints{20, -1});
}
TEST_CASE("variables of a module are initialized") {
  device d;
  const auto data = d.upload(ints{0});
  d.run(data, {1, 1, 0}, "ld.global.u32 %r3, [table+4];\nst.global.u32 [%rd1], %r3;",
        ".global .align 4 .b8 table[8] = {1, 0, 0, 0, 2, 1, 0, 0};\n");
  CHECK(d.get<std::int32_t>(data, 1) == ints{258});
}
TEST_CASE("generic addresses reach shared, local and global memory") {
  device d;
  const auto data = d.upload(ints{5});
  d.run(data, {1, 1, 64}, R"(
    .local .align 4 .b8 own[8];
    mov.u64 %rd4, own;
    cvta.local.u64 %rd5, %rd4;
    st.u32 [%rd5], 11;
    mov.u64 %rd6, memory;
    cvta.shared.u64 %rd7, %rd6;
    st.u32 [%rd7+8], 31;
    ld.local.u32 %r3, [%rd4];
    ld.shared.u32 %r4, [memory+8];
    ld.u32 %r5, [%rd1];
    add.s32 %r6, %r3, %r4;
    add.s32 %r6, %r6, %r5;
    st.global.u32 [%rd1], %r6;)");
  CHECK(d.get<std::int32_t>(data, 1) == ints{47});
  CHECK(d.faults_with("beyond the thread's local memory", data, {1, 1, 0},
                      ".local .align 4 .b8 own[8];\nmov.u64 %rd4, own;\nld.local.u32 %r3, [%rd4+8];"));
}
TEST_CASE("tensor cores multiply row-major and column-major squares") {
  device d;
  std::vector<float> data(3 * 256);
  for (std::size_t i = 0; i < 512; ++i) data[i] = static_cast<float>(static_cast<int>(i * 7 % 13) - 6);
  const auto list = [](const char* name, int first, int count) {
    std::string list_text = "{";
    for (int i = 0; i < count; ++i)
      list_text += (i ? ", " : "") + std::string{name} + std::to_string(first + i);
    return list_text + "}";
  };
  const auto multiply_with = [&](const std::string& right) {
    std::string body = "shl.b32 %r3, %r1, 1;\n";  // all values into shared memory, as bfloat16
    for (int i = 0; i < 16; ++i) {
      const std::string at = std::to_string(i * 128), half = std::to_string(i * 64);
      body += "ld.global.f32 %f1, [%rd3+" + at + "];\ncvt.rn.bf16.f32 %rs1, %f1;\nst.shared.u16 [%r3+" +
              half + "], %rs1;\n";
    }
    body +=
        "bar.warp.sync -1;\nmov.u32 %r4, 0;\nmov.u32 %r5, 512;\nmov.u32 %r6, 1024;\n"
        "wmma.load.a.sync.aligned.row.m16n16k16.shared.bf16 " +
        list("%r", 8, 4) +
        ", [%r4], 16;\n"
        "wmma.load.b.sync.aligned." +
        right + ".m16n16k16.shared.bf16 " + list("%r", 12, 4) + ", [%r5], 16;\n";
    for (int i = 10; i < 18; ++i) body += "mov.f32 %f" + std::to_string(i) + ", 0f3F800000;\n";
    body += "wmma.mma.sync.aligned.row." + right + ".m16n16k16.f32.bf16.bf16.f32 " + list("%f", 20, 8) +
            ", " + list("%r", 8, 4) + ", " + list("%r", 12, 4) + ", " + list("%f", 10, 8) +
            ";\n"
            "wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%r6], " +
            list("%f", 20, 8) +
            ", 16;\n"
            "bar.warp.sync -1;\nshl.b32 %r7, %r1, 2;\n";
    for (int i = 0; i < 8; ++i) {
      const std::string from = std::to_string(1024 + i * 128), to = std::to_string(2048 + i * 128);
      body += "ld.shared.f32 %f1, [%r7+" + from + "];\nst.global.f32 [%rd3+" + to + "], %f1;\n";
    }
    const auto address = d.upload(data);
    d.run(address, {1, 32, 2048}, body);
    return d.get<float>(address, data.size());
  };
  for (const bool by_rows : {true, false}) {
    const std::vector<float> found = multiply_with(by_rows ? "row" : "col");
    for (std::size_t r = 0; r < 16; ++r)
      for (std::size_t c = 0; c < 16; ++c) {
        float sum = 1;
        for (std::size_t k = 0; k < 16; ++k)
          sum += data[r * 16 + k] * data[256 + (by_rows ? k * 16 + c : c * 16 + k)];
        CHECK(found[512 + r * 16 + c] == sum);
      }
  }
}
TEST_CASE("a warp's products have the documented layouts") {
  // Lane 4r + c of a left operand holds columns 2c and 2c + 1 of rows r and r + 8, then of the columns 8 to
  // the right; of a right operand rows 2c and 2c + 1 of column r, then the rows 8 below.
  device d;
  const std::uint32_t one = 0x3f80, two = 0x4000;  // as bfloat16
  std::vector<std::uint32_t> data(32 * 10);
  data[0] = one;                         // lane 0: a[0][0] = 1
  data[32 + 5] = two << 16;              // lane 5, second register: a[1 + 8][2 + 1] = 2
  data[3 * 32 + 4 * 7 + 3] = one;        // lane 31, last register: a[7 + 8][6 + 8] = 1
  data[4 * 32 + 4 * 2] = two;            // lane 8: b[0][2] = 2
  data[4 * 32 + 4 * 6 + 1] = two << 16;  // lane 25: b[2 + 1][6] = 2
  data[5 * 32 + 4 * 5 + 3] = one;        // lane 23, second register: b[6 + 8][5] = 1
  const auto address = d.upload(data);
  std::string body;
  for (int i = 0; i < 6; ++i)
    body += "ld.global.u32 %r" + std::to_string(10 + i) + ", [%rd3+" + std::to_string(i * 128) + "];\n";
  body +=
      "mov.f32 %f1, 0f3F800000;\nmma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f10, %f11, %f12, "
      "%f13}, "
      "{%r10, %r11, %r12, %r13}, {%r14, %r15}, {%f1, %f1, %f1, %f1};\n";
  for (int i = 0; i < 4; ++i)
    body += "st.global.f32 [%rd3+" + std::to_string((6 + i) * 128) + "], %f" + std::to_string(10 + i) + ";\n";
  d.run(address, {1, 32, 0}, body);
  const auto found = d.get<float>(address, data.size());
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t r = lane / 4 + k / 2 * 8, c = lane % 4 * 2 + k % 2;
      const float product = r == 0 && c == 2 ? 2.f : r == 9 && c == 6 ? 4.f : r == 15 && c == 5 ? 1.f : 0.f;
      CHECK(found[(6 + k) * 32 + lane] == 1 + product);
    }
}
TEST_CASE("each lane names a row of four matrices and gets two neighbours of each") {
  device d;
  words data(32 * 8);
  for (std::uint32_t i = 0; i < 128; ++i) data[i] = 2 * i | (2 * i + 1) << 16;  // elements 0 to 255
  const auto loaded = [&](const std::string& transposed) {
    const auto address = d.upload(data);
    std::string body = "shl.b32 %r3, %r1, 2;\nshl.b32 %r4, %r1, 4;\n";
    for (int i = 0; i < 4; ++i) {
      const std::string at = std::to_string(i * 128);
      body += "ld.global.u32 %r5, [%rd3+" + at + "];\nst.shared.u32 [%r3+" + at + "], %r5;\n";
    }
    body += "bar.warp.sync -1;\nldmatrix.sync.aligned.m8n8.x4" + transposed +
            ".shared.b16 {%r10, %r11, %r12, %r13}, [%r4];\n";
    for (int i = 0; i < 4; ++i)
      body +=
          "st.global.u32 [%rd3+" + std::to_string((4 + i) * 128) + "], %r" + std::to_string(10 + i) + ";\n";
    d.run(address, {1, 32, 512}, body);
    return d.get<std::uint32_t>(address, data.size());
  };
  const words plain = loaded(""), transposed = loaded(".trans");
  for (std::uint32_t lane = 0; lane < 32; ++lane)
    for (std::uint32_t part = 0; part < 4; ++part) {
      const std::uint32_t line = lane / 4, within = lane % 4 * 2, first = part * 64;
      CHECK(plain[(4 + part) * 32 + lane] ==
            ((first + line * 8 + within) | (first + line * 8 + within + 1) << 16));
      CHECK(transposed[(4 + part) * 32 + lane] ==
            ((first + within * 8 + line) | (first + (within + 1) * 8 + line) << 16));
    }
  CHECK(d.faults_with(
      "not 16-byte aligned", d.upload(data), {1, 32, 512},
      "shl.b32 %r4, %r1, 3;\nldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r4];"));
}
TEST_CASE("a copy to shared memory arrives when its thread waits for it") {
  device d;
  const auto data = d.upload(std::vector<float>{1, 2, 3, 4, 0, 0, 0, 0});
  const std::string start =
      "mov.u32 %r4, 0;\nmov.u32 %r5, 16;\ncp.async.cg.shared.global [%r4], [%rd1], 16, %r5;\n"
      "mov.u32 %r6, 16;\nmov.u32 %r5, 0;\ncp.async.cg.shared.global [%r6], [%rd1], 16, %r5;\n";
  const std::string result =
      "ld.shared.f32 %f1, [memory+4];\nld.shared.f32 %f2, [memory+20];\n"
      "st.global.f32 [%rd1+16], %f1;\nst.global.f32 [%rd1+20], %f2;\n";
  CHECK(d.faults_with("copy is under way", data, {1, 1, 64}, start + result + "cp.async.wait_all;\n"));
  CHECK(d.faults_with("exits before a copy", data, {1, 1, 64}, start));
  d.run(data, {1, 1, 64}, start + "cp.async.wait_all;\n" + result);
  CHECK(d.get<float>(data, 8)[4] == 2);
  CHECK(d.get<float>(data, 8)[5] == 0);
  CHECK(
      d.faults_with("misaligned", data, {1, 1, 64},
                    "mov.u32 %r4, 8;\nmov.u32 %r5, 16;\ncp.async.cg.shared.global [%r4], [%rd1], 16, %r5;"));
}
TEST_CASE("a warp must not have diverged before an aligned instruction") {
  device d;
  const auto data = d.upload(words(32, 0));
  CHECK(d.faults_with("together with its whole warp", data, {1, 32, 512}, R"(
    mov.u32 %r4, 0;
    setp.lt.u32 %p1, %r1, 8;
    @%p1 bra $some;
    bra.uni $all;
$some:
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r4];
$all:
    mov.u32 %r5, 0;)"));
}
TEST_CASE("shared memory that a block has not written is NaN") {
  device d;
  const auto data = d.upload(std::vector<float>{0});
  d.run(data, {1, 1, 64}, "st.shared.u32 [memory+4], 0;");
  d.run(data, {1, 1, 64}, "ld.shared.f32 %f1, [memory+4];\nst.global.f32 [%rd1], %f1;");
  CHECK(std::isnan(d.get<float>(data, 1)[0]));
}

TEST_CASE("a shuffle exchanges values between the threads of a whole warp") {
  device d;
  const auto data = d.upload(words(32, 0));
  d.run(data, {1, 32, 0},
        "add.u32 %r3, %r1, 100;\nshfl.sync.bfly.b32 %r4|%p1, %r3, 16, 31, -1;\n"
        "@%p1 shfl.sync.bfly.b32 %r4, %r4, 1, 31, -1;\nst.global.u32 [%rd3], %r4;");
  const words found = d.get<std::uint32_t>(data, 32);
  for (std::uint32_t lane = 0; lane < 32; ++lane) CHECK(found[lane] == 100 + (lane ^ 17));
  CHECK(d.faults_with("whole warp must execute", data, {1, 32, 0},
                      "setp.lt.u32 %p1, %r1, 8;\n@%p1 shfl.sync.bfly.b32 %r4, %r1, 1, 31, -1;"));
  CHECK(d.faults_with("threads have exited", data, {1, 16, 0}, "shfl.sync.bfly.b32 %r4, %r1, 1, 31, -1;"));
  CHECK(d.faults_with("part of its warp", data, {1, 32, 0}, "shfl.sync.bfly.b32 %r4, %r1, 1, 31, 255;"));
}
TEST_CASE("requests to global memory are counted in sectors of 32 bytes") {
  device d;
  const auto data = d.upload(words(2048, 1));
  const auto sectors_of = [&](const std::string& body) {
    const block_counts counted = d.count(data, one_warp, body);
    CHECK(counted.requests == 1);
    return counted.sectors;
  };
  CHECK(sectors_of("ld.global.u32 %r3, [%rd3];") == 4);
  CHECK(sectors_of("ld.global.u32 %r3, [%rd1];") == 1);
  CHECK(sectors_of("shl.b64 %rd4, %rd2, 3;\nadd.s64 %rd4, %rd4, %rd1;\nld.global.u32 %r3, [%rd4];") == 32);
  CHECK(sectors_of("shl.b64 %rd4, %rd2, 2;\nadd.s64 %rd4, %rd4, %rd1;\n"
                   "ld.global.v4.u32 {%r3, %r4, %r5, %r6}, [%rd4];") == 16);
  CHECK(sectors_of("setp.lt.u32 %p1, %r1, 8;\n@%p1 st.global.u32 [%rd3], %r1;") == 1);
}
TEST_CASE(
    "a block's sectors are counted once for reading and once for writing, however often they are accessed") {
  device d;
  const auto data = d.upload(words(2048, 1));
  const block_counts counted = d.count(data, {1, 64, 0},
                                       "ld.global.u32 %r3, [%rd3];\nld.global.u32 %r3, [%rd3];\n"
                                       "ld.global.u32 %r4, [%rd1];\nst.global.u32 [%rd3], %r3;");
  CHECK(counted.sectors == 26);           // of two warps
  CHECK(counted.distinct_sectors == 16);  // 256 bytes
}
TEST_CASE("instructions of PTX take a scheduler different times") {
  device d;
  const auto data = d.upload(words(64, 1));
  const auto slots_of = [&](const std::string& body) {
    return d.count(data, {1, 32, 0}, body).issue_slots - d.count(data, {1, 32, 0}, "").issue_slots;
  };
  CHECK(slots_of("add.u32 %r3, %r1, 7;") == 100);
  CHECK(slots_of("div.u32 %r3, %r1, 7;") == 1400);
  CHECK(slots_of("add.s64 %rd4, %rd4, %rd1;") == 135);
}
TEST_CASE("requests to shared memory are counted in wavefronts, one more for each conflict of banks") {
  device d;
  const auto data = d.upload(words{0});
  const auto wavefronts_of = [&](int log_bytes, const std::string& access) {
    const block_counts counted =
        d.count(data, {1, 32, 8192},
                "mov.u32 %r4, 1;\nshl.b32 %r3, %r1, " + std::to_string(log_bytes) + ";\n" + access);
    return std::vector{counted.shared_groups, counted.wavefronts};
  };
  using pair = std::vector<std::uint64_t>;
  CHECK(wavefronts_of(2, "st.shared.u32 [%r3], %r4;") == pair{1, 1});
  CHECK(wavefronts_of(3, "st.shared.u32 [%r3], %r4;") == pair{1, 2});
  CHECK(wavefronts_of(7, "st.shared.u32 [%r3], %r4;") == pair{1, 32});
  CHECK(wavefronts_of(4, "st.shared.v4.u32 [%r3], {%r4, %r4, %r4, %r4};") == pair{4, 4});
  CHECK(wavefronts_of(5, "st.shared.v4.u32 [%r3], {%r4, %r4, %r4, %r4};") == pair{4, 8});
  CHECK(wavefronts_of(2, "ld.shared.u32 %r5, [memory];") == pair{1, 1});  // one word for all
}
TEST_CASE("instructions, divisions and barriers are counted once per warp, warp and block") {
  device d;
  const auto data = d.upload(words(64, 1));
  const block_counts empty = d.count(data, {1, 64, 0}, ""),
                     counted = d.count(
                         data, {1, 64, 0},
                         "add.u32 %r3, %r1, 7;\nbar.sync 0;\nsetp.lt.u32 %p1, %r1, 32;\n@!%p1 bra LAST;\n"
                         "div.u32 %r4, %r3, %r1;\nmov.u32 %r5, %r4;\nLAST:\nbar.sync 0;");
  CHECK(counted.barriers == 2);
  CHECK(counted.divisions == 1);
  CHECK(counted.longest_warp - empty.longest_warp == 7);
  CHECK(counted.instructions - empty.instructions == 7 + 5);
}
TEST_CASE("memory that is not tracked holds zeros and counts its peak") {
  device d;
  d.memory.stop_tracking();
  const auto data = d.memory.allocate(std::size_t{8} << 30), more = d.memory.allocate(4096);
  d.run(data, {1, 32, 0},
        "ld.global.u32 %r3, [%rd3+1073741824];\nadd.u32 %r3, %r3, %r1;\nst.global.u32 [%rd3], %r3;");
  CHECK(d.get<std::uint32_t>(data, 3) == words{0, 1, 2});
  CHECK(d.memory.release(more));
  CHECK(d.memory.take_peak() == (std::size_t{8} << 30) + 4096);
  CHECK(d.memory.take_peak() == std::size_t{8} << 30);
}
