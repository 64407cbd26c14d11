#include "step_counts.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <stdexcept>

namespace pretext::tests::null_gpu {
namespace {

constexpr std::string_view explanation =
    "# What one training step costs, counted by test.cuda.null_gpu, which writes this file if it is called "
    "with "
    "--write.\n"
    "# Counts may only fall. `longest` is the most instructions of any warp, `small` the launches with fewer "
    "than 132\n"
    "# blocks, `empty` the warps of 64 for which a multiprocessor has no room, `microseconds` a prediction "
    "for an H200;\n"
    "# the other counts are sums over all blocks, in thousands except for launches and barriers.\n";
constexpr std::string_view columns =
    "launches small longest instructions divisions barriers requests sectors wavefronts conflicts empty "
    "microseconds "
    "kernel";

constexpr bool in_thousands(std::size_t which) {
  return which >= instructions && which <= conflicts && which != barriers;
}
constexpr bool is_maximum(std::size_t which) { return which == longest_warp || which == empty_warps; }

}  // namespace

void step_counts::add_library_work(const std::string& what, double predicted_seconds) {
  ++nodes[what];
  seconds += predicted_seconds;
}

void step_counts::add_launch(const std::string& kernel, const counted_launch& launch) {
  const auto& [blocks, counted_blocks, of_these, without_room, predicted] = launch;
  kernel_counts& sum = kernels[kernel];
  const auto add = [&](count which, std::uint64_t counted) {
    sum[which] += counted * blocks / counted_blocks;
  };
  ++nodes["kernel"];
  ++sum[launches];
  sum[small_launches] += blocks < multiprocessors ? 1 : 0;
  sum[longest_warp] = std::max(sum[longest_warp], of_these.longest_warp);
  add(instructions, of_these.instructions);
  add(divisions, of_these.divisions);
  add(barriers, of_these.barriers);
  add(requests, of_these.requests);
  add(sectors, of_these.sectors);
  add(wavefronts, of_these.wavefronts);
  add(conflicts, of_these.wavefronts - of_these.shared_groups);
  sum[empty_warps] = std::max<std::uint64_t>(sum[empty_warps], without_room);
  sum[microseconds] += static_cast<std::uint64_t>(std::llround(predicted * 1e6));
  seconds += predicted;
}

kernel_counts step_counts::total() const {
  kernel_counts sum{};
  for (const auto& [name, of] : kernels)
    for (std::size_t i = 0; i < counts; ++i)
      sum[i] = is_maximum(i) ? std::max(sum[i], of[i]) : sum[i] + of[i];
  return sum;
}

step_counts read_counts(const std::filesystem::path& file) {
  std::ifstream text{file};
  if (!text) throw std::runtime_error{"cannot read " + file.string() + ": call test.cuda.null_gpu --write"};
  step_counts step;
  std::string line;
  while (std::getline(text, line)) {
    if (line.empty() || line[0] == '#' || line == columns) continue;
    std::istringstream words{line};
    if (std::string what; line[0] > '9' && words >> what) {
      std::uint64_t value = 0;
      words >> value;
      if (what == "toolkit")
        step.toolkit = static_cast<int>(value);
      else if (what == "megabytes")
        step.peak_megabytes = value;
      else if (what == "microseconds")
        step.seconds = static_cast<double>(value) * 1e-6;
      else
        step.nodes[what] = value;
    } else {
      kernel_counts of{};
      for (std::uint64_t& each : of) words >> each;
      std::string name;
      std::getline(words >> std::ws, name);
      step.kernels[name] = of;
    }
    if (!words && !words.eof())
      throw std::runtime_error{file.string() + " has a line that is no count: " + line};
  }
  return step;
}

void write_counts(const std::filesystem::path& file, const step_counts& step) {
  std::ofstream text{file};
  text << explanation << "toolkit " << step.toolkit << "\nmegabytes " << step.peak_megabytes
       << "\nmicroseconds " << std::llround(step.seconds * 1e6) << '\n';
  for (const auto& [what, nodes] : step.nodes) text << what << ' ' << nodes << '\n';
  text << columns << '\n';
  for (const auto& [name, of] : step.kernels) {
    for (const std::uint64_t each : of) text << each << ' ';
    text << name << '\n';
  }
  if (!text.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

step_counts rounded(step_counts step) {
  for (auto& [name, of] : step.kernels)
    for (std::size_t i = 0; i < counts; ++i)
      if (in_thousands(i)) of[i] = (of[i] + 500) / 1000;
  return step;
}

std::vector<std::string> increases(const step_counts& committed, const step_counts& now) {
  std::vector<std::string> found;
  const auto compare = [&](const std::string& where, std::string_view what, std::uint64_t before,
                           std::uint64_t after) {
    if (after <= before) return;
    found.push_back(where + ": " + std::to_string(after) + " " + std::string{what} + ", of which " +
                    std::to_string(before) + " are committed");
  };
  compare("device memory", "megabytes", committed.peak_megabytes, now.peak_megabytes);
  const auto whole = [](double seconds) { return static_cast<std::uint64_t>(std::llround(seconds * 1e6)); };
  if (now.toolkit == committed.toolkit)
    compare("the recorded step", "predicted microseconds", whole(committed.seconds), whole(now.seconds));
  for (const auto& [what, nodes] : now.nodes) {
    const auto before = committed.nodes.find(what);
    compare("the recorded step", "nodes of type " + what,
            before == committed.nodes.end() ? 0 : before->second, nodes);
  }
  for (const auto& [name, of] : now.kernels) {
    const auto before = committed.kernels.find(name);
    if (before == committed.kernels.end()) {
      found.push_back(name + ": a kernel without committed counts");
      continue;
    }
    for (std::size_t i = 0; i < counts; ++i)
      if (is_portable(i) || now.toolkit == committed.toolkit)
        compare(name, count_names[i], before->second[i], of[i]);
  }
  return found;
}

std::string short_name(std::string_view entry_point) {
  constexpr std::string_view before = "run<";
  std::string_view rest = entry_point;
  if (const auto at = rest.find(before); at != rest.npos) rest.remove_prefix(at + before.size());
  std::string name, word;
  int depth = 0;
  constexpr int deepest = 2;
  for (const char c : rest) {
    if (c == '<') ++depth;
    if (depth <= deepest || (c == '<' && depth == deepest + 1)) {
      if (c == ':') {
        word.clear();  // a namespace or class
      } else if (c == '<' || c == '>' || c == ',' || c == '(') {
        name += word;
        word.clear();
        if (depth <= deepest) name += c;
      } else if (c != ' ') {
        word += c;
      }
    }
    if (c == '>' && --depth < 0) break;
  }
  if (!name.empty() && name.back() == '>') name.pop_back();
  return name;
}

}  // namespace pretext::tests::null_gpu
