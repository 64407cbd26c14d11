// recipe.json: a recipe that is accepted can be written, and reads back as the same text.
#include "fuzz/fuzz.hpp"

#include "support/method_info.hpp"
#include "support/recipe.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  const std::string text{reinterpret_cast<const char*>(data), size};
  programs::recipe config;
  bool accepted = false;
  tests::expect_value_or_sentence("recipe.json", [&] {
    programs::read_text(text, "recipe.json", config);
    accepted = true;
  });
  if (!accepted) return 0;
  const std::string written = programs::to_text(config);
  programs::recipe again;
  programs::read_text(written, "recipe.json", again);
  tests::require(programs::to_text(again) == written, "a written recipe reads back as the same text");
  return 0;
}
