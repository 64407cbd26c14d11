// Pretrains an encoder on images without labels, with one of the methods of examples/methods.
//   pretrain --help                               the methods
//   pretrain simclr --help                        the options of a method
//   pretrain simclr --data builtin --out out/run
//   pretrain mae --data photos/ --epochs 400 --out out/photos
// Writes to --out: recipe.json, metrics.csv, checkpoint.safetensors (everything a resume needs),
// encoder.safetensors, in torchvision's or timm's names.
#include "support/pretraining_program.hpp"

int main(int argc, char** argv) { return programs::pretrain_main(argc, argv); }
