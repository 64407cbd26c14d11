// Times forward and backward of MAE's encoder on the visible quarter of the patches, and of the same encoder
// on all patches with mask tokens for the masked ones (He et al. 2022, Table 2), alternately.
//   encoder_time [rounds] [threads] [batch]      prints one JSON line of medians for each size
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <vector>

#include <pretext/cpu.hpp>

using namespace pretext;

namespace {

using context_type = on<cpu>;

struct seconds {
  double wall, processor;
};

/// An encoder in one of the two modes, with its weights and gradients.
template <class MaskMode, class Encoder, class Grid>
struct encoding {
  using images = typename Grid::images;
  using masked = masks_of<random_masking<>, Grid>;
  using network = typename MaskMode::template network<Encoder, masked>;
  using output = typename network::output;

  std::vector<float> value = std::vector<float>(count(network::parameters())), gradient = value;
  typename network::template cache<context_type> cache;
  std::vector<float> dy;

  explicit encoding(std::size_t batch) : dy(batch * output::size, 1e-3f) {
    constexpr auto table = network::parameters();
    initialise<float>(table, 1, value.data());
  }

  /// Wall-clock and processor seconds of one forward and backward pass. Other programs do not affect the
  /// latter.
  seconds operator()(context_type& context, reads<context_type, images> x) {
    const auto start = std::chrono::steady_clock::now();
    const auto before = std::clock();
    context.activations.reset();
    const auto drawn = random_masking<>{}.template draw<Grid>(context, x.batch);
    const auto y = context.activations.template allocate<float, output>(x.batch);
    const weights<context_type> w{value.data(), gradient.data()};
    network::forward(context, w, drawn, x, y, cache);
    network::backward(context, w, drawn, cache, reads<context_type, output>{dy.data(), x.batch});
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
            double(std::clock() - before) / CLOCKS_PER_SEC};
  }
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

template <class Encoder, ImageShape Images>
void compare(const char* name, std::size_t rounds, std::size_t threads, std::size_t batch) {
  using grid = patch_grid<Images, Encoder::patch>;
  context_type context{.stream = cpu::stream{threads}};
  std::vector<std::uint64_t> samples(batch);
  std::iota(samples.begin(), samples.end(), 0);
  context.step.keys = {1, 0, samples.data(), batch};
  std::vector<float> pixels(batch * Images::size);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = random_key{.sample = i}.uniform(0) - 0.5f;
  const reads<context_type, Images> x{pixels.data(), batch};

  encoding<drop_masked, Encoder, grid> visible{batch};
  encoding<mask_tokens, Encoder, grid> all{batch};
  visible(context, x), all(context, x);  // allocates
  std::vector<double> masked, whole, ratio, processor_ratio;
  for (std::size_t round = 0; round < rounds; ++round) {
    const seconds one = visible(context, x), other = all(context, x);
    masked.push_back(one.wall);
    whole.push_back(other.wall);
    ratio.push_back(other.wall / one.wall);
    processor_ratio.push_back(other.processor / one.processor);
  }
  std::printf(
      "{\"encoder\": \"%s\", \"image\": %zu, \"visible\": %zu, \"patches\": %zu, \"batch\": %zu, "
      "\"threads\": "
      "%zu, "
      "\"rounds\": %zu, \"masked_s\": %.4f, \"all_s\": %.4f, \"ratio\": %.2f, \"processor_ratio\": %.2f, "
      "\"mac_ratio\": %.2f}\n",
      name, Images::extents[0], masks_of<random_masking<>, grid>::visible, grid::patches, batch, threads,
      rounds, median(masked), median(whole), median(ratio), median(processor_ratio),
      double(decltype(all)::network::macs) / double(decltype(visible)::network::macs));
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 9;
  const std::size_t threads = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2;
  const std::size_t batch = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 32;
  compare<vit_small<4>, shape<32, 32, 3>>("vit_small/4", rounds, threads, batch);
  compare<vit_tiny<4>, shape<32, 32, 3>>("vit_tiny/4", rounds, threads, batch);
}
