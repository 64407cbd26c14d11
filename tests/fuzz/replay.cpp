// replay FILE_OR_FOLDER...: gives every file to the fuzz target that this is linked with: the corpus as a
// regression test, with any compiler.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <pretext/io/file.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t count = 0;
  const auto replay = [&](const std::filesystem::path& path) {
    const auto bytes = pretext::read_file(path);
    std::fprintf(stderr, "%s\n", path.c_str());
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++count;
  };
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path = argv[i];
    if (!std::filesystem::is_directory(path))
      replay(path);
    else
      for (const auto& entry : std::filesystem::directory_iterator{path}) replay(entry.path());
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
