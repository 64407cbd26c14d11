#pragma once
#include <string>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/report/report.hpp>

// Functions that need an eigenvalue solver. They stand apart because it takes seconds to compile in each file
// that includes it.
namespace programs {

/// The first two principal components of up to 1500 features; if they are `labelled`, in the colours of the
/// classes, and without those of no class. `images`: what they are features of, for the caption. Of fewer
/// than three features there is no plot.
pretext::scatter_plot plot_of_features(const pretext::feature_table& all, bool labelled,
                                       const std::vector<std::string>& classes, const std::string& images,
                                       const pretext::cpu::stream& stream);

/// Whether the features have collapsed, in a sentence.
std::string collapse_finding(const pretext::feature_table& features, const pretext::cpu::stream& stream);

}  // namespace programs
