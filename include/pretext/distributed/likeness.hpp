// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/detail/fnv1a.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/distributed/engine.hpp>

// Ranks that calculate differently, or with other images, would train a network of no use without a word.
namespace pretext::inline v0_1::distributed {

/// Something that must be alike on all ranks.
struct trait {
  std::string what;    ///< "instruction set"
  std::string value;   ///< "avx2"
  std::string hint{};  ///< what to do about a difference: "set PRETEXT_ISA=avx2"; may be empty
};

namespace detail {

/// A text that is cut to what fits, so that ranks can exchange it in one call.
class short_text {
 public:
  short_text() = default;
  explicit short_text(std::string_view text) {
    const std::size_t length = std::min(text.size(), text_.size());
    std::copy_n(text.data(), length, text_.data());
  }
  std::string_view view() const {
    return {text_.data(),
            static_cast<std::size_t>(std::find(text_.begin(), text_.end(), '\0') - text_.begin())};
  }

 private:
  std::array<char, 1000> text_{};
};

/// FNV-1a of a text, and of its length, so that texts in a row have another hash than their concatenation.
inline std::uint64_t mix_text(std::uint64_t start, std::string_view text) {
  pretext::detail::fnv1a hash{start};
  hash.add(text);
  for (std::size_t length = text.size(), i = 0; i < sizeof length; ++i, length >>= 8)
    hash.add(static_cast<unsigned char>(length & 255));
  return hash.value();
}

template <Engine E, class T>
std::vector<T> gather_of_ranks(E& engine, const T& own) {
  std::vector<T> all(engine.ranks());
  engine.all_gather(&own, all.data(), sizeof(T));
  return all;
}

/// "rank 2 (b)".
inline std::string rank_name(std::size_t rank, std::string_view host) {
  return host.empty() ? str_cat("rank ", rank) : str_cat("rank ", rank, " (", host, ")");
}

}  // namespace detail

/// A collective: throws std::runtime_error of one sentence, the same on all ranks, if a trait of a rank
/// differs from that of rank 0. It names the first trait that does, and the first rank. `host`: the name of
/// the host of this rank, for the sentence.
template <Engine E>
void expects_alike(E& engine, std::span<const trait> traits, std::string_view host = {}) {
  using detail::gather_of_ranks, detail::short_text;
  std::uint64_t hash = pretext::detail::fnv1a{}.value();
  for (const trait& each : traits) hash = detail::mix_text(detail::mix_text(hash, each.what), each.value);
  const auto hashes = gather_of_ranks(engine, hash);
  const auto differs = [](const auto& all) {
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each != all[0]; }) - all.begin());
  };
  if (differs(hashes) == hashes.size()) return;

  std::size_t most = 0;
  for (const std::size_t count : gather_of_ranks(engine, traits.size())) most = std::max(most, count);
  const auto hosts = gather_of_ranks(engine, short_text{host});
  for (std::size_t i = 0; i < most; ++i) {
    const trait own = i < traits.size() ? traits[i] : trait{"set of traits", ""};
    const auto own_hash = detail::mix_text(detail::mix_text(0, own.what), own.value);
    const auto all = gather_of_ranks(engine, own_hash);
    const auto whats = gather_of_ranks(engine, short_text{own.what}),
               values = gather_of_ranks(engine, short_text{own.value}),
               hints = gather_of_ranks(engine, short_text{own.hint});
    const std::size_t rank = differs(all);
    if (rank == all.size()) continue;
    const auto hint = hints[0].view();
    throw_error<std::runtime_error>(detail::rank_name(rank, hosts[rank].view()), " has another ",
                                    whats[0].view(), ": ", values[rank].view(), " where ",
                                    detail::rank_name(0, hosts[0].view()), " has ", values[0].view(),
                                    hint.empty() ? "" : "; ", hint);
  }
}

/// A collective: what has failed on any rank, the same text on all ranks; empty if nothing has. `own`: what
/// has failed on this one, empty if nothing has. Where it is another rank than the first one, and not all, it
/// says which.
template <Engine E>
std::string failure_of_any(E& engine, std::string_view own, std::string_view host = {}) {
  using detail::gather_of_ranks, detail::short_text;
  const auto all = gather_of_ranks(engine, short_text{own});
  const auto first =
      std::find_if(all.begin(), all.end(), [](const short_text& each) { return !each.view().empty(); });
  if (first == all.end()) return {};
  const auto hosts = gather_of_ranks(engine, short_text{host});
  if (std::all_of(all.begin(), all.end(),
                  [&](const short_text& each) { return each.view() == first->view(); }))
    return std::string{first->view()};
  const auto rank = static_cast<std::size_t>(first - all.begin());
  if (rank == 0) return std::string{first->view()};
  return str_cat(detail::rank_name(rank, hosts[rank].view()), ": ", first->view());
}

}  // namespace pretext::inline v0_1::distributed
