#pragma once
#include <vector>

// Declarations only: CUDA's compiler reads this header, but does not need those of the report.
namespace pretext::inline v0_1 {
class any_trainer;
struct image_sheet;
}  // namespace pretext::inline v0_1

namespace programs {

struct datasets;
struct recipe;

/// Adds a sheet with the reconstructions of a few test images by a masked method. `normalised`: the method
/// predicts patches normalised by their own mean and variance.
void add_reconstructions(pretext::any_trainer& trainer, const recipe& config, bool normalised,
                         const datasets& data, std::vector<pretext::image_sheet>& sheets);

}  // namespace programs
