// Computes the feature of pictures with a trained encoder, or their classes with a fine-tuned one:
//   inference encoder.safetensors picture.ppm ...
//   inference classifier.safetensors picture.ppm ...
// It includes nothing but <pretext/inference.hpp> and reads the PPM files that cameras and `ffmpeg` write, so
// that it can be compiled to a static program of less than 1 MB (docs/using.md, "A small program").
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/inference.hpp>

using namespace pretext;

namespace {

using images = shape<32, 32, 3>;            // the encoder that the programs call resnet18-thin
using network = resnet18<stem::cifar, 16>;  // width 16: features of 128 values

/// The next number of a PPM header, behind spaces and comments; -1 if there is none.
long next_number(std::FILE* file) {
  for (int c; (c = std::fgetc(file)) != EOF;) {
    if (c == '#')
      while ((c = std::fgetc(file)) != EOF && c != '\n') {}
    else if (c >= '0' && c <= '9') {
      long number = 0;
      for (; c >= '0' && c <= '9' && number < 100000; c = std::fgetc(file)) number = 10 * number + (c - '0');
      std::ungetc(c, file);
      return number;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      break;
    }
  }
  return -1;
}

/// Reads a binary PPM (P6, RGB) or PGM (P5, gray) file of 8 bits.
image read_ppm(const char* path) {
  std::FILE* const file = std::fopen(path, "rb");
  if (!file) throw_error<std::runtime_error>(path, ": cannot be opened");
  char magic[2] = {};
  const bool known =
      std::fread(magic, 1, 2, file) == 2 && magic[0] == 'P' && (magic[1] == '5' || magic[1] == '6');
  const long width = known ? next_number(file) : -1, height = known ? next_number(file) : -1,
             largest = known ? next_number(file) : -1;
  image read;
  bool complete = false;
  if (width > 0 && height > 0 && width <= 65535 && height <= 65535 && largest == 255) {
    const auto pixels = read.resize<std::uint8_t>(static_cast<std::size_t>(height),
                                                  static_cast<std::size_t>(width), magic[1] == '6' ? 3 : 1);
    std::fgetc(file);  // the space behind the header
    complete = std::fread(pixels.data(), 1, pixels.size(), file) == pixels.size();
  }
  std::fclose(file);
  if (!complete) throw_error<std::runtime_error>(path, ": is no complete PPM or PGM file of 8 bits");
  return read;
}

void print_features(const safetensors& file, std::span<char* const> pictures) {
  const encoder_model<network, images> model{file};
  inference_context context{model};
  for (const char* path : pictures) {
    std::printf("%s", path);
    for (const float value : context.encode(read_ppm(path))) std::printf(" %.6g", static_cast<double>(value));
    std::printf("\n");
  }
}

void print_classes(const safetensors& file, std::span<char* const> pictures) {
  const classifier_model<network, images> model{file};
  classifier_context context{model};
  for (const char* path : pictures) {
    const predicted_class found = context.classify(read_ppm(path));
    std::printf("%s %.*s %.3f\n", path, static_cast<int>(found.name.size()), found.name.data(),
                static_cast<double>(found.probability));
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fputs("usage: inference FILE.safetensors PICTURE.ppm ...\n", stderr);
    return 1;
  }
  try {
    const safetensors file = read_safetensors(words[1]);
    const std::span<char* const> pictures{words + 2, static_cast<std::size_t>(count - 2)};
    if (file.tensors.contains("fc.weight"))
      print_classes(file, pictures);
    else
      print_features(file, pictures);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "inference: %s\n", error.what());
    return 1;
  }
}

#if defined(__GLIBCXX__)
// libstdc++'s own handler prints the name of the type of an uncaught exception, and with it a static program
// contains a demangler of 50 KB.
namespace __gnu_cxx {
void __verbose_terminate_handler();
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx
#endif
