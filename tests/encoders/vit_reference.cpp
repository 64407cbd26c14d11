#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/encoders/vit.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {

template <class Net, class Context, std::size_t Side>
void agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using In = shape<Side, Side, 3>;
  using Patches = typename Net::template patches<In>;
  using Tokens = typename Net::template tokens<In>;
  constexpr const auto& table = parameters_of<Net, In>;
  Context context{.stream = cpu::stream{2}};
  const auto x = tests::channels_last<T>(file.at("input"));
  const std::size_t batch = x.size() / In::size;
  std::vector<T> w(parameter_count(table)), h(batch * Net::width), trained(h.size());
  CHECK(read_torch_tensors<T>(table, file, "param.", w.data()).tensors == table.size());
  const weights<Context> own{w.data(), nullptr};
  const reads<Context, In> images{x.data(), batch};

  Net::infer(context, own, images, writes<Context, typename Net::feature>{h.data(), batch});
  CHECK(tests::relative_difference(h, file.at("feature").as<double>()) < tolerance);
  cache_of<Net, In, Context> cache;
  Net::forward(context, own, images, writes<Context, typename Net::feature>{trained.data(), batch}, cache);
  CHECK(tests::relative_difference(trained, file.at("feature").as<double>()) < tolerance);

  // The parts, one after another, as a method runs them.
  std::vector<T> embedded(batch * Patches::size), sequence(batch * Tokens::size), tokens(sequence.size());
  Net::embedding::infer(context, own.at(Net::template embedding_at<In>), images,
                        writes<Context, Patches>{embedded.data(), batch});
  Net::template position_embedding<In>::infer(context, own, reads<Context, Patches>{embedded.data(), batch},
                                              writes<Context, Tokens>{sequence.data(), batch});
  Net::trunk::infer(context, own.at(Net::template trunk_at<In>),
                    reads<Context, Tokens>{sequence.data(), batch},
                    writes<Context, Tokens>{tokens.data(), batch});
  CHECK(tests::relative_difference(tokens, file.at("tokens").as<double>()) < tolerance);
}

}  // namespace

TEST_CASE("a vision transformer agrees with timm: its tokens and its feature") {
  const auto file = tests::reference("vit_timm");
  REQUIRE(file.at("param.cls_token").shape.at(2) == 24);
  REQUIRE(tests::hyper_parameter(file, "patch_size").get<int>() == 4);
  REQUIRE(tests::hyper_parameter(file, "num_heads").get<int>() == 3);
  const auto both = [&]<std::size_t Depth, std::size_t Side>() {
    agrees<vit<4, 24, Depth, 3, supervised_init>, on<cpu, fp64>, Side>(file, 1e-9);
    agrees<vit<4, 24, Depth, 3, supervised_init>, on<cpu>, Side>(file, 1e-4);
  };
  const std::size_t side = file.at("input").shape.at(2);
  REQUIRE(file.tensors.contains("param.blocks.1.norm1.weight"));
  REQUIRE(!file.tensors.contains("param.blocks.2.norm1.weight"));
  switch (side) {
    case 16:
      return both.template operator()<2, 16>();
    case 24:
      return both.template operator()<2, 24>();
    default:
      FAIL("no test is compiled for images of ", side, " pixels");
  }
}
