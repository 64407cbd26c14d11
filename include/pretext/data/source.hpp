// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/data/block_order.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/io/bad_image.hpp>

namespace pretext::inline v0_1 {

/// The split of a data set: for training, for testing, or without labels (STL-10).
enum class dataset_split { train, test, unlabeled };

/// An indexed collection of images. `read(i, image&)` overwrites the image, whose samples have 8 bits before
/// the call, or throws `bad_image`; `label(i)` is a class index, or -1 if unknown; `name(i)` is a path or
/// "index 17 of FILE". All members are const and may be called from several threads at once: a loader does
/// so.
template <class S>
concept Source = std::copyable<S> && requires(const S source, std::size_t index, image& out) {
  { source.size() } -> std::convertible_to<std::size_t>;
  { source.label(index) } -> std::convertible_to<int>;
  { source.class_names() } -> std::convertible_to<const std::vector<std::string>&>;
  { source.name(index) } -> std::convertible_to<std::string>;
  source.read(index, out);
};

/// The order in which a source is read sequentially, or no blocks if it has no member `blocks()`.
template <Source S>
block_shape blocks_of(const S& source) {
  if constexpr (requires { source.blocks(); })
    return source.blocks();
  else
    return {};
}

/// The bytes that an image was stored in, if the source has a member `stored_bytes(index)`: of its file in an
/// archive, or of the whole file where one holds many. Otherwise those of the file that its name names; 0 if
/// it has none.
template <Source S>
std::uint64_t stored_bytes_of(const S& source, std::size_t index) {
  if constexpr (requires { source.stored_bytes(index); }) {
    return source.stored_bytes(index);
  } else {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(std::string{source.name(index)}, error);
    return error ? 0 : static_cast<std::uint64_t>(bytes);
  }
}

/// Any source behind one type, for programs that select the data set at run time. Copies share the source; a
/// default constructed one has no images. As thread-safe as the source.
class any_source {
 public:
  any_source() = default;
  template <class S>
    requires(!std::same_as<S, any_source> &&
             Source<S>)  // in this order: Source<any_source> would ask for this constructor
  any_source(S source) : source_{std::make_shared<const holder<S>>(std::move(source))} {}

  std::size_t size() const { return source_ ? source_->size() : 0; }
  int label(std::size_t index) const { return at(index).label(index); }
  const std::vector<std::string>& class_names() const {
    static const std::vector<std::string> none;
    return source_ ? source_->class_names() : none;
  }
  std::string name(std::size_t index) const { return at(index).name(index); }
  void read(std::size_t index, image& out) const {
    out.type = sample_type::uint8;  // what a source that knows of no other type leaves
    out.range = {};
    at(index).read(index, out);
  }
  /// The order in which the source is read sequentially, if it has such a member.
  block_shape blocks() const { return source_ ? source_->blocks() : block_shape{}; }
  /// `stored_bytes_of` the source.
  std::uint64_t stored_bytes(std::size_t index) const { return at(index).stored_bytes(index); }
  /// What the source says that it leaves out, if it has such a member.
  const pretext::left_out& left_out() const {
    static const pretext::left_out nothing;
    return source_ ? source_->left_out(nothing) : nothing;
  }

 private:
  struct interface_type {
    virtual ~interface_type() = default;
    virtual std::size_t size() const = 0;
    virtual int label(std::size_t index) const = 0;
    virtual const std::vector<std::string>& class_names() const = 0;
    virtual std::string name(std::size_t index) const = 0;
    virtual void read(std::size_t index, image& out) const = 0;
    virtual block_shape blocks() const = 0;
    virtual std::uint64_t stored_bytes(std::size_t index) const = 0;
    virtual const pretext::left_out& left_out(const pretext::left_out& nothing) const = 0;
  };
  template <class S>
  struct holder final : interface_type {
    explicit holder(S original) : source{std::move(original)} {}
    std::size_t size() const override { return source.size(); }
    int label(std::size_t index) const override { return source.label(index); }
    const std::vector<std::string>& class_names() const override { return source.class_names(); }
    std::string name(std::size_t index) const override { return source.name(index); }
    void read(std::size_t index, image& out) const override { source.read(index, out); }
    block_shape blocks() const override { return blocks_of(source); }
    std::uint64_t stored_bytes(std::size_t index) const override { return stored_bytes_of(source, index); }
    const pretext::left_out& left_out(const pretext::left_out& nothing) const override {
      if constexpr (requires { source.left_out(); })
        return source.left_out();
      else
        return nothing;
    }
    S source;
  };

  const interface_type& at(std::size_t index) const {
    if (index >= size()) throw_error<std::out_of_range>("there is no image ", index, " among ", size());
    return *source_;
  }

  std::shared_ptr<const interface_type> source_;
};

/// Selected images of a source in a given order; throws std::out_of_range for an index that the source lacks.
template <Source S>
class subset {
 public:
  subset(S source, std::vector<std::size_t> indices)
      : source_{std::move(source)}, indices_{std::move(indices)} {
    for (const std::size_t index : indices_)
      if (index >= source_.size())
        throw_error<std::out_of_range>("a subset contains image ", index, " of a source of ", source_.size());
  }

  std::size_t size() const { return indices_.size(); }
  int label(std::size_t index) const { return source_.label(indices_.at(index)); }
  const std::vector<std::string>& class_names() const { return source_.class_names(); }
  std::string name(std::size_t index) const { return source_.name(indices_.at(index)); }
  void read(std::size_t index, image& out) const { source_.read(indices_.at(index), out); }
  /// Those of the source, which suit indices in ascending order.
  block_shape blocks() const { return blocks_of(source_); }
  std::uint64_t stored_bytes(std::size_t index) const { return stored_bytes_of(source_, indices_.at(index)); }

 private:
  S source_;
  std::vector<std::size_t> indices_;
};

static_assert(Source<any_source> && Source<subset<any_source>>);

}  // namespace pretext::inline v0_1
