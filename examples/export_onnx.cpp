// Writes the encoder of a run, or the classifier of a fine-tuning, as an ONNX file.
//   export_onnx --run out/run
//   export_onnx --weights encoder.safetensors --out encoder.onnx
// Input "images": (N, C, H, W), floats in [0, 1]; the graph normalises them. Outputs: "features", of a
// classifier also "logits" and "probabilities". The metadata say how images are fitted to this size.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <pretext/inference/write_onnx.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/run_folder.hpp"
#include "support/trained_file.hpp"

using namespace programs;

namespace {

int run(const std::filesystem::path& weights, const std::filesystem::path& out) {
  const pretext::safetensors file = pretext::read_safetensors(weights);
  const bool classifies = has_classifier(file);
  const auto model = make_for_file<onnx::ModelProto>(file, [&]<class Encoder, class Images>() {
    if (classifies)
      return std::make_unique<onnx::ModelProto>(
          pretext::onnx_model(pretext::classifier_model<Encoder, Images>{file}));
    return std::make_unique<onnx::ModelProto>(
        pretext::onnx_model(pretext::encoder_model<Encoder, Images>{file}));
  });
  pretext::write_onnx(out, *model);
  std::printf("%s: %s of %d nodes, opset 17\n", out.c_str(), classifies ? "a classifier" : "an encoder",
              model->graph().node_size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path folder, weights, out;
  program_options line{"Writes a trained encoder or classifier as an ONNX file."};
  const auto of_run = line.add("--run", folder, "folder of a pretraining or a fine-tuning");
  line.add("--weights", weights, "file of an encoder or a classifier, instead of --run").excludes(of_run);
  line.add("--out", out, "file to write; default: the name of the weights with the suffix .onnx");
  if (const auto status = line.parse(argc, argv)) return *status;
  return run_program("export_onnx", [&] {
    if (!folder.empty()) {
      const run_folder opened{folder};
      weights =
          opened.has("classifier.safetensors") ? opened.file("classifier.safetensors") : opened.encoder();
    }
    if (weights.empty()) throw std::invalid_argument{"name the run with --run, or a file with --weights"};
    if (out.empty()) out = std::filesystem::path{weights}.replace_extension(".onnx");
    return run(weights, out);
  });
}
