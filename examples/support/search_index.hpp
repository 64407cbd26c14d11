#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <pretext/evaluation/feature_bank.hpp>

// The indexes of optional components enter themselves into a table when the program starts, as devices do
// (on_device.hpp): a program that is built without one lacks its entry.
namespace programs {

/// The k nearest rows of a bank for every query, (queries, k).
using nearest_search = std::function<std::vector<pretext::neighbour>(
    const pretext::feature_view& queries, std::size_t k, const pretext::cpu::stream& stream)>;

/// Builds an index of a bank, which must outlive it, for searches of up to k rows.
using index_maker = std::function<nearest_search(const pretext::feature_bank& bank, std::size_t k)>;

/// The indexes that the program has, by their name on the command line.
inline std::map<std::string, index_maker>& index_makers() {
  static std::map<std::string, index_maker> table;
  return table;
}

/// Enters an index.
struct index_entry {
  index_entry(const char* name, index_maker make) { index_makers()[name] = std::move(make); }
};

}  // namespace programs
