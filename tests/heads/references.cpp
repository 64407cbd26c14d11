// The heads of heads/{projection,swav,dino,ibot}.hpp beside those of other people's code: outputs in training
// and in inference, every gradient of a linear functional of the outputs, running statistics.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/heads/dino.hpp>
#include <pretext/heads/ibot.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/heads/swav.hpp>
#include <pretext/io/torch_weights.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>

using namespace pretext;

namespace {

/// A case with the weights of a network whose parameters are `table`, and the gradients that are added to.
template <class Context>
struct head_case {
  using T = typename Context::activation;

  const safetensors& file;
  std::span<const parameter> table;
  double tolerance;
  std::vector<T> w, dw;
  Context context{.stream = cpu::stream{2}};

  head_case(const safetensors& from, std::span<const parameter> rows, double within)
      : file{from}, table{rows}, tolerance{within} {
    for (const parameter& p : rows) w.resize(std::max(w.size(), p.offset + p.size()));
    dw.resize(w.size());
    read_torch_tensors<T>(rows, file, "before.", w.data());
  }

  weights<Context> values() { return {w.data(), dw.data()}; }
  std::vector<T> tensor(const std::string& name) const { return file.at(name).template as<T>(); }
  void agrees(const std::vector<T>& found, const std::string& name) const {
    CAPTURE(name);
    CHECK(tests::relative_difference(found, file.at(name).template as<double>()) < tolerance);
  }

  /// The gradients and the statistics are those of the file, and the file has no others. A gradient that is
  /// nothing but rounding, of a bias before batch norm, is compared with the largest of all.
  void end_agrees() const {
    double largest = 0;
    std::size_t gradients = 0, compared = 0;
    for (const auto& [name, tensor] : file.tensors)
      if (name.starts_with("grad.")) {
        gradients += name != "grad.input";
        for (const double value : file.at(name).template as<double>())
          largest = std::max(largest, std::abs(value));
      }
    for (const parameter& p : table) {
      CAPTURE(p.name());
      const std::string name{p.name()};
      const auto begin = static_cast<std::ptrdiff_t>(p.offset), end = begin + std::ptrdiff_t(p.size());
      if (p.role == parameter_role::buffer) {
        agrees({w.begin() + begin, w.begin() + end}, "after." + name);
      } else if (p.role == parameter_role::constant) {
        CHECK(!file.tensors.contains("grad." + name));
        CHECK(std::all_of(dw.begin() + begin, dw.begin() + end, [](T value) { return value == 0; }));
      } else {
        const auto expected = file.at("grad." + name).template as<double>();
        double difference = 0, scale = largest / 100;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          difference = std::max(difference, std::abs(double(dw[p.offset + i]) - expected[i]));
          scale = std::max(scale, std::abs(expected[i]));
        }
        CHECK(difference < tolerance * scale);
        ++compared;
      }
    }
    CHECK(compared == gradients);
  }
};

/// A head (In) to (Out) with one output.
template <class Head, std::size_t In, class Context>
void one_head_agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using input = shape<In>;
  using output = output_of<Head, input>;
  head_case<Context> at{file, parameters_of<Head, input>, tolerance};
  const auto x = at.tensor("input"), dy = at.tensor("cotangent");
  const std::size_t rows = x.size() / In;
  std::vector<T> y(rows * output::size), dx(x.size());
  const reads<Context, input> in{x.data(), rows};
  const writes<Context, output> out{y.data(), rows};
  Head::infer(at.context, at.values(), in, out);
  at.agrees(y, "inference");
  cache_of<Head, input, Context> cache;
  Head::forward(at.context, at.values(), in, out, cache);
  at.agrees(y, "train");
  Head::backward(at.context, at.values(), cache, reads<Context, output>{dy.data(), rows},
                 writes<Context, input>{dx.data(), rows});
  at.agrees(dx, "grad.input");
  at.end_agrees();
}

template <class Head, std::size_t In>
void agrees(const std::string& name) {
  CAPTURE(name);
  const auto file = tests::reference(name);
  REQUIRE(file.at("input").shape[1] == In);
  one_head_agrees<Head, In, on<cpu, fp64>>(file, 1e-10);
  one_head_agrees<Head, In, on<cpu>>(file, 1e-4);
}

/// `agrees` with the head of as many outputs as the file has, one of `Outs`.
template <template <std::size_t> class Head, std::size_t In, std::size_t... Outs>
void agrees_with_outputs(const std::string& name) {
  const std::size_t outs = tests::reference(name).at("train").shape[1];
  const bool found = ((outs == Outs ? (agrees<Head<Outs>, In>(name), true) : false) || ...);
  CHECK_MESSAGE(found, "no test is compiled for ", outs, " outputs of ", name);
}

template <std::size_t Out>
using small_dino = dino_head<Out, 14, 6>;
template <std::size_t Out>
using free_gain_dino = dino_head<Out, 14, 6, weight_gain::learned>;
template <std::size_t Out>
using batch_norm_dino = dino_head<Out, 14, 6, weight_gain::fixed, hidden_norm::batch>;

/// The embedding and the scores of SwAV. Its step begins with unit prototypes.
template <std::size_t Prototypes, class Context>
void swav_agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using input = shape<16>;
  using embedding = shape<8>;
  using scores = shape<Prototypes>;
  using projector = swav_head<24, 8>;
  using predictor = prototypes<Prototypes>;
  using net = sequential<named<"projection_head", projector>, named<"prototypes", predictor>>;
  constexpr std::size_t last = weight_count<projector, input>;
  head_case<Context> at{file, parameters_of<net, input>, tolerance};
  begin_step<net, input>(at.context, at.w.data());
  const auto x = at.tensor("input"), dscores = at.tensor("cotangent1"), added = at.tensor("cotangent");
  const std::size_t rows = x.size() / input::size;
  std::vector<T> z(rows * embedding::size), s(rows * scores::size), dz(z.size()), dx(x.size());
  const reads<Context, input> in{x.data(), rows};
  const writes<Context, embedding> embedded{z.data(), rows};
  const writes<Context, scores> scored{s.data(), rows};
  projector::infer(at.context, at.values(), in, embedded);
  predictor::infer(at.context, at.values().at(last), reads<Context, embedding>{embedded}, scored);
  at.agrees(z, "inference");
  at.agrees(s, "inference1");
  cache_of<projector, input, Context> cache;
  cache_of<predictor, embedding, Context> last_cache;
  projector::forward(at.context, at.values(), in, embedded, cache);
  predictor::forward(at.context, at.values().at(last), reads<Context, embedding>{embedded}, scored,
                     last_cache);
  at.agrees(z, "train");
  at.agrees(s, "train1");
  predictor::backward(at.context, at.values().at(last), last_cache,
                      reads<Context, scores>{dscores.data(), rows},
                      writes<Context, embedding>{dz.data(), rows});
  for (std::size_t i = 0; i < dz.size(); ++i) dz[i] += added[i];
  projector::backward(at.context, at.values(), cache, reads<Context, embedding>{dz.data(), rows},
                      writes<Context, input>{dx.data(), rows});
  at.agrees(dx, "grad.input");
  at.end_agrees();
}

/// iBOT's scores of class tokens and of patch tokens, from one sequence (tokens, width) per image.
template <std::size_t PatchOut, class Context>
void ibot_agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  constexpr std::size_t width = 16;
  using head = ibot_head<12, PatchOut, 14, 6>;
  using token = shape<width>;
  head_case<Context> at{file, parameters_of<head, token>, tolerance};
  const std::size_t images = file.at("input").shape[0], tokens = file.at("input").shape[1];
  const auto x = at.tensor("input");
  std::vector<T> of_class, of_patches;
  for (std::size_t i = 0; i < x.size(); ++i)
    (i / width % tokens == 0 ? of_class : of_patches).push_back(x[i]);
  std::vector<T> dx(x.size());
  const auto kind_agrees = [&]<class Layer>(const std::vector<T>& of_kind, bool is_class) {
    using output = output_of<Layer, token>;
    const std::string suffix = is_class ? "" : "1";
    const std::size_t rows = of_kind.size() / width;
    const auto dy = at.tensor("cotangent" + suffix);
    std::vector<T> y(rows * output::size), dkind(of_kind.size());
    const reads<Context, token> in{of_kind.data(), rows};
    const writes<Context, output> out{y.data(), rows};
    Layer::infer(at.context, at.values(), in, out);
    at.agrees(y, "inference" + suffix);
    cache_of<Layer, token, Context> cache;
    Layer::forward(at.context, at.values(), in, out, cache);
    at.agrees(y, "train" + suffix);
    Layer::backward(at.context, at.values(), cache, reads<Context, output>{dy.data(), rows},
                    writes<Context, token>{dkind.data(), rows});
    std::size_t from = 0;
    for (std::size_t i = 0; i < dx.size(); ++i)
      if ((i / width % tokens == 0) == is_class) dx[i] = dkind[from++];
    CHECK(from == dkind.size());
  };
  kind_agrees.template operator()<typename head::class_tokens>(of_class, true);
  kind_agrees.template operator()<typename head::patch_tokens>(of_patches, false);
  CHECK(images * tokens * width == dx.size());
  at.agrees(dx, "grad.input");
  at.end_agrees();
}

}  // namespace

static_assert(parameters_of<dino_head<12, 14, 6>, shape<16>>[6].name() == "last_layer.weight_g");
static_assert(Layer<ibot_head<>::patch_tokens, shape<196, 384>, on<cpu>>);

TEST_CASE("projection and prediction heads agree with their authors' or with lightly's") {
  agrees<moco_v2_head<16, 8>, 16>("head_moco_v2");
  agrees<moco_v3_head<24, 8>, 16>("head_moco_v3_projector");
  agrees<byol_head<24, 8, bias::no>, 8>("head_moco_v3_predictor");
  agrees<moco_v3_vit_head<24, 8>, 16>("head_moco_v3_vit_projector");
  agrees<simsiam_head<12, 10>, 16>("head_simsiam_projector");
  agrees<simsiam_predictor<6, 10>, 10>("head_simsiam_predictor");
  agrees<nnclr_head<12, 8>, 16>("head_nnclr_projector");
  agrees<nnclr_predictor<12, 8>, 8>("head_nnclr_predictor");
  agrees<three_layer_head<12, 10>, 16>("head_barlow_twins");
  agrees<three_layer_head<12, 10, bias::yes>, 16>("head_vicreg");
  agrees<lejepa_head<12, 6>, 16>("head_lejepa");
}

TEST_CASE("DINO's head agrees with its official code, with and without learned gains and batch norm") {
  agrees_with_outputs<small_dino, 16, 12, 11>("head_dino");
  agrees_with_outputs<free_gain_dino, 16, 12, 11>("head_dino_free_gain");
  agrees_with_outputs<batch_norm_dino, 16, 12, 11>("head_dino_batch_norm");
}

TEST_CASE("SwAV's head and prototypes agree with their official code") {
  const auto file = tests::reference("head_swav");
  const auto both = [&]<std::size_t Prototypes>() {
    swav_agrees<Prototypes, on<cpu, fp64>>(file, 1e-10);
    swav_agrees<Prototypes, on<cpu>>(file, 1e-4);
  };
  const std::size_t prototypes = file.at("train1").shape[1];
  REQUIRE((prototypes == 12 || prototypes == 10));
  prototypes == 12 ? both.template operator()<12>() : both.template operator()<10>();
}

TEST_CASE("iBOT's head with a last layer of its own for patches agrees with its official code") {
  const auto file = tests::reference("head_ibot");
  const auto both = [&]<std::size_t Patches>() {
    ibot_agrees<Patches, on<cpu, fp64>>(file, 1e-10);
    ibot_agrees<Patches, on<cpu>>(file, 1e-4);
  };
  const std::size_t outputs = file.at("train1").shape[2];
  REQUIRE((outputs == 9 || outputs == 10));
  outputs == 9 ? both.template operator()<9>() : both.template operator()<10>();
}
