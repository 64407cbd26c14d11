// Which plans cuDNN offers for GPUs that are not present: newer versions plan from a device's properties
// alone.
#include <doctest/doctest.h>

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pretext/devices/cuda/cudnn_plans.hpp>

using namespace pretext::detail;

namespace {

/// An H200 (90) or an A100 (80), or a GPU of another architecture with as much as one of them, as a cuDNN
/// device descriptor.
cudnn_descriptor device(int architecture) {
  const bool hopper = architecture >= 90;
  const std::string properties = R"({"deviceName": "GPU", "deviceVer": )" +
                                 std::to_string(10 * architecture) +
                                 R"(, "driverVer": 13000, "multiProcessorCount": )" +
                                 (hopper ? "132" : "108") + R"(, "maxSharedMemoryPerBlockOptin": )" +
                                 (architecture == 120 ? "101376"
                                  : hopper            ? "232448"
                                                      : "166912") +
                                 R"(,
      "l2CacheSize": 41943040, "totalGlobalMem": 80000000000, "cudaDeviceId": 0, "pciDeviceId": 0,
      "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "warpSize": 32,
      "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
      "reservedSharedMemoryPerBlock": 1024, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
      "maxThreadsPerSM": 2048, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000, "isTccDriver": 0,
      "supportCoopLaunch": 1})";
  cudnn_descriptor descriptor{static_cast<cudnnBackendDescriptorType_t>(38)};
  descriptor.set(static_cast<cudnnBackendAttributeName_t>(2702), CUDNN_TYPE_CHAR, properties.data(),
                 static_cast<std::int64_t>(properties.size()));
  descriptor.finish();
  return descriptor;
}

cudnn_convolution square(convolution_pass pass, std::int64_t batch, std::int64_t side, std::int64_t in,
                         std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t padding = kernel / 2, smaller = (side + 2 * padding - kernel) / stride + 1;
  return {pass,
          CUDNN_DATA_BFLOAT16,
          CUDNN_DATA_BFLOAT16,
          batch,
          side,
          side,
          in,
          out,
          smaller,
          smaller,
          kernel,
          kernel,
          stride,
          padding};
}

/// Convolutions of ResNets.
std::vector<cudnn_convolution> convolutions_of_resnets(convolution_pass pass) {
  return {square(pass, 1024, 32, 3, 64, 3, 1),   square(pass, 1024, 32, 64, 64, 3, 1),
          square(pass, 1024, 32, 64, 128, 3, 2), square(pass, 1024, 32, 64, 128, 1, 2),
          square(pass, 1024, 4, 512, 512, 3, 1), square(pass, 512, 224, 3, 64, 7, 2),
          square(pass, 512, 56, 64, 64, 3, 1),   square(pass, 512, 28, 128, 128, 3, 1)};
}

/// Calls check(proposes) for GPUs of four architectures, where proposes(operation) says whether cuDNN has
/// suitable engines. cuDNN compiles them at run time for the driver: without one no plan is complete.
template <class Check>
void on_architectures(const Check& check) {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver || cudnnGetVersion() < 91900) {
    MESSAGE("skipped: without a driver, or at this version, cuDNN proposes nothing");
    return;
  }
  for (const int architecture : {80, 90, 100, 120}) {
    CAPTURE(architecture);
    cudnn_descriptor gpu = device(architecture);
    REQUIRE(gpu.good());
    const cudnn_plans plans{std::move(gpu)};
    check([&](const auto& operation) {
      const auto graph = graph_of(operation, nullptr);
      return !graph.empty() && !plans.proposals(graph.back()).empty();
    });
  }
  dlclose(driver);
}

}  // namespace

TEST_CASE("cuDNN has plans for every convolution of ResNets in bfloat16 and its gradients") {
  for (const int architecture : {80, 90}) {
    cudnn_descriptor gpu = device(architecture);
    if (!gpu.good()) {
      MESSAGE("skipped: this version of cuDNN plans only for GPUs that are present");
      return;
    }
    cudnn_plans plans{std::move(gpu)};
    for (const auto pass : {convolution_pass::forward, convolution_pass::data, convolution_pass::weights})
      for (const cudnn_convolution& c : convolutions_of_resnets(pass)) {
        CAPTURE(architecture);
        CAPTURE(static_cast<int>(pass));
        CAPTURE(c.height);
        CAPTURE(c.in);
        const auto& plan = plans.find(c);
        REQUIRE(plan.possible());
        CHECK(&plan == &plans.find(c));
        const auto traffic = 2 * c.batch * (c.height * c.width * c.in + c.out_height * c.out_width * c.out);
        CHECK(plan.workspace() <= std::max<std::size_t>(64 << 20, static_cast<std::size_t>(traffic / 2)));
      }
  }
}

TEST_CASE(
    "cuDNN has a plan that adds the gradient of an input to another wherever it has one that stores it") {
  for (const int architecture : {80, 90})
    for (const auto type : {CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT}) {
      cudnn_descriptor gpu = device(architecture);
      if (!gpu.good()) {
        MESSAGE("skipped: this version of cuDNN plans only for GPUs that are present");
        return;
      }
      cudnn_plans plans{std::move(gpu)};
      for (cudnn_convolution c : convolutions_of_resnets(convolution_pass::data)) {
        CAPTURE(architecture);
        CAPTURE(c.height);
        CAPTURE(c.in);
        c.type = c.filter_type = type;
        const bool stores = plans.find(c).possible();
        c.accumulates = true;
        CHECK(plans.find(c).possible() == stores);
      }
    }
}

TEST_CASE(
    "cuDNN proposes deterministic engines on tensor cores for convolutions of ResNets that sum their "
    "results") {
  on_architectures([](const auto& proposes) {
    auto convolutions = convolutions_of_resnets(convolution_pass::forward);
    convolutions.push_back(square(convolution_pass::forward, 512, 56, 64, 256, 1, 1));
    convolutions.push_back(square(convolution_pass::forward, 512, 7, 2048, 512, 1, 1));
    for (cudnn_convolution c : convolutions) {
      CAPTURE(c.height);
      CAPTURE(c.in);
      c.sums = true;
      CHECK(proposes(c));
    }
  });
}

TEST_CASE(
    "cuDNN recognises attention and its gradients, and proposes deterministic engines on tensor cores") {
  on_architectures([](const auto& proposes) {
    for (const auto pass : {attention_pass::forward, attention_pass::backward})
      for (const auto type : {CUDNN_DATA_BFLOAT16, CUDNN_DATA_HALF})
        for (const auto& [batch, heads, tokens, width] : {std::array<std::int64_t, 4>{256, 12, 50, 64},
                                                          {256, 16, 197, 32},
                                                          {256, 12, 197, 64},
                                                          {64, 6, 197, 64},
                                                          {2, 3, 65, 16}}) {
          CAPTURE(static_cast<int>(pass));
          CAPTURE(tokens);
          CAPTURE(width);
          CHECK(proposes(cudnn_attention{pass, type, batch, heads, tokens, width}));
        }
    CHECK_FALSE(proposes(cudnn_attention{attention_pass::forward, CUDNN_DATA_BFLOAT16, 2, 3, 65, 1}));
  });
}

TEST_CASE("cuDNN proposes deterministic engines on tensor cores for products with GELU and their gradients") {
  on_architectures([](const auto& proposes) {
    for (const auto& [rows, contracted, columns] : {std::array<std::int64_t, 3>{256 * 50, 768, 3072},
                                                    {256 * 197, 2048, 512},
                                                    {64 * 37, 384, 1536},
                                                    {9, 16, 40}})
      for (const auto& [pass, keeps_product] :
           {std::pair{gelu_pass::forward, true}, {gelu_pass::forward, false}, {gelu_pass::backward, false}}) {
        CAPTURE(static_cast<int>(pass));
        CAPTURE(rows);
        CAPTURE(keeps_product);
        CHECK(proposes(cudnn_gelu{pass, CUDNN_DATA_BFLOAT16, rows, contracted, columns, keeps_product}));
      }
  });
}

TEST_CASE("without a GPU there is no plan, and no error") {
  cudnn_plans plans;
  if (cudnnHandle_t handle = nullptr; cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS) {
    cudnnDestroy(handle);
    return;
  }
  CHECK(!plans.find(square(convolution_pass::forward, 8, 32, 64, 64, 3, 1)).possible());
  CHECK(!plans.find(cudnn_attention{attention_pass::forward, CUDNN_DATA_BFLOAT16, 2, 3, 65, 16}).possible());
  CHECK(!plans.find(cudnn_gelu{gelu_pass::forward, CUDNN_DATA_BFLOAT16, 8, 16, 24, false}).possible());
}
