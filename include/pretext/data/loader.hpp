// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/function_ref.hpp>
#include <pretext/data/batch_order.hpp>
#include <pretext/data/image_cache.hpp>
#include <pretext/data/loader_options.hpp>
#include <pretext/data/permutation.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/start_threads.hpp>

namespace pretext::inline v0_1 {

/// Batches of a source, decoded by background threads: at most `ahead` + 1 batches and the cache are in
/// memory. Where a batch is cut into shards, a loader reads one of them. The images of a batch are a pure
/// function of (seed, epoch, batch number), for any number of threads; a source with `blocks()` is read in
/// blocks, in the order of a `block_order`. The members of one loader may be called from one thread at a
/// time; several loaders may share a source.
class loader {
 public:
  /// A batch; its spans are valid until the next call of `next` or `seek`.
  struct batch {
    std::uint32_t epoch = 0;
    std::size_t number = 0;  ///< within the epoch
    std::span<const image_view> images;
    std::span<const std::uint64_t> samples;  ///< the images' indices in the source
    std::uint64_t seed = 1;                  ///< the loader's, which also keys the views of the batch
  };

  /// Throws std::invalid_argument if the source has fewer images than one batch, std::runtime_error if the
  /// system does not start so many threads.
  loader(any_source source, loader_options options);
  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;
  ~loader();

  std::size_t batches_per_epoch() const { return order().batches_per_epoch(); }

  /// The next batch of this epoch or the first of the next one. Waits for it; throws what reading its images
  /// threw.
  batch next();
  /// The next batch, or nothing if it is not complete and `stopped()` is true: for a caller that must not
  /// wait for ever, for a network drive that does not answer. Asks every tenth of a second while it waits.
  std::optional<batch> next_unless(function_ref<bool()> stopped);

  /// Continues with batch `number` of an epoch, as if all batches before it had been taken.
  void seek(std::uint32_t epoch, std::size_t number);

  /// The index and the fault of every image that was replaced or left out so far.
  const std::map<std::size_t, std::string>& skipped() const { return skipped_; }

 private:
  struct slot {
    std::shared_ptr<const image> picture;  // null: left out
    std::size_t index = 0;
    std::exception_ptr error;
    std::map<std::size_t, std::string> skipped;
  };
  struct pending {
    std::uint32_t epoch = 0;
    std::size_t number = 0, taken = 0, done = 0;
    std::vector<slot> slots;
  };

  batch_order order() const {
    return {cache_.source().size(), options_.batch,     options_.seed,
            options_.shuffle,       options_.drop_last, cache_.source().blocks()};
  }
  std::size_t images_of_shard() const { return options_.batch / options_.shards; }
  void enqueue();
  batch take(std::shared_ptr<pending> front);
  void stop();
  void serve();
  void fill(const pending& owner, std::size_t position, slot& to);
  /// Returns false if the image is bad and may be replaced.
  bool read(slot& to);

  loader_options options_;
  image_cache cache_;
  const std::exception_ptr out_of_memory_ = std::make_exception_ptr(std::bad_alloc{});
  std::mutex mutex_;
  std::condition_variable work_, ready_;
  std::deque<std::shared_ptr<pending>> queue_;
  bool stopping_ = false;
  std::uint32_t next_epoch_ = 0;
  std::size_t next_number_ = 0;

  std::shared_ptr<pending> current_;
  std::vector<image_view> views_;
  std::vector<std::uint64_t> samples_;
  std::map<std::size_t, std::string> skipped_;
  std::vector<std::thread> threads_;
};

inline loader::loader(any_source source, loader_options options)
    : options_{options}, cache_{std::move(source), options.cache_bytes} {
  options.check();
  expects(batches_per_epoch() > 0, "a batch of ", options.batch, " images is larger than the data set of ",
          cache_.source().size(), "; choose a smaller batch");
  seek(0, 0);
  detail::start_threads(
      threads_, options.threads, [this](std::size_t) { serve(); }, [this] { stop(); });
}

inline loader::~loader() {
  stop();
  for (auto& thread : threads_) thread.join();
}

inline void loader::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  work_.notify_all();
}

inline void loader::enqueue() {
  auto added = std::make_shared<pending>();
  added->epoch = next_epoch_;
  added->number = next_number_;
  const std::size_t first = next_number_ * options_.batch;
  added->slots.resize(options_.shards > 1 ? images_of_shard()
                                          : std::min(options_.batch, cache_.source().size() - first));
  queue_.push_back(std::move(added));
  if (++next_number_ == batches_per_epoch()) {
    next_number_ = 0;
    ++next_epoch_;
  }
}

inline void loader::seek(std::uint32_t epoch, std::size_t number) {
  const std::size_t epochs = number / batches_per_epoch();
  {
    const std::lock_guard lock{mutex_};
    queue_.clear();  // a thread that still fills one of these batches owns it as well
    next_epoch_ = epoch + static_cast<std::uint32_t>(epochs);
    next_number_ = number % batches_per_epoch();
    while (queue_.size() < options_.ahead) enqueue();
  }
  current_.reset();
  work_.notify_all();
}

inline loader::batch loader::next() {
  std::unique_lock lock{mutex_};
  const auto front = queue_.front();
  ready_.wait(lock, [&] { return front->done == front->slots.size(); });
  lock.unlock();
  return take(front);
}

inline std::optional<loader::batch> loader::next_unless(function_ref<bool()> stopped) {
  std::unique_lock lock{mutex_};
  const auto front = queue_.front();
  while (!ready_.wait_for(lock, std::chrono::milliseconds{100},
                          [&] { return front->done == front->slots.size(); }))
    if (stopped()) return std::nullopt;
  lock.unlock();
  return take(front);
}

inline loader::batch loader::take(std::shared_ptr<pending> front) {
  // The first fault in the order of the batch, whichever thread found one first.
  for (const slot& each : front->slots)
    if (each.error) std::rethrow_exception(each.error);
  current_ = std::move(front);
  {
    const std::lock_guard lock{mutex_};
    queue_.pop_front();
    enqueue();
  }
  work_.notify_all();

  views_.clear();
  samples_.clear();
  for (const slot& each : current_->slots) {
    skipped_.insert(each.skipped.begin(), each.skipped.end());
    if (!each.picture) continue;
    views_.push_back(*each.picture);
    samples_.push_back(each.index);
  }
  return {current_->epoch, current_->number, views_, samples_, options_.seed};
}

inline void loader::serve() {
  const std::size_t chunk =
      std::clamp(options_.batch / (4 * options_.threads), std::size_t{1}, std::size_t{16});
  std::unique_lock lock{mutex_};
  for (;;) {
    std::shared_ptr<pending> owner;
    work_.wait(lock, [&] {
      const auto open = std::find_if(queue_.begin(), queue_.end(),
                                     [](const auto& each) { return each->taken < each->slots.size(); });
      if (open != queue_.end()) owner = *open;
      return stopping_ || owner;
    });
    if (stopping_) return;
    const std::size_t begin = owner->taken, end = std::min(begin + chunk, owner->slots.size());
    owner->taken = end;
    lock.unlock();
    for (std::size_t position = begin; position < end; ++position) try {
        fill(*owner, position, owner->slots[position]);
      } catch (const std::bad_alloc&) {  // for many images: an exception for each would need memory, too
        owner->slots[position].error = out_of_memory_;
      }
    lock.lock();
    owner->done += end - begin;
    if (owner->done == owner->slots.size()) ready_.notify_all();
  }
}

inline void loader::fill(const pending& owner, std::size_t position, slot& to) {
  const std::size_t count = cache_.source().size();
  const std::size_t first = owner.number * options_.batch + options_.shard * images_of_shard();
  to.index = order().sample(owner.epoch, first + position);
  // The replacement depends on the bad image alone, so that it is the same in every run.
  const permutation others{count, options_.seed ^ (to.index + 1), 0xFFFFFFFF};
  for (std::size_t attempt = 0; !read(to); ++attempt) {
    if (options_.on_bad_image == bad_image_policy::stop) return;
    to.error = nullptr;
    if (options_.on_bad_image == bad_image_policy::leave_out) return;
    if (attempt == count) {
      to.error = std::make_exception_ptr(std::runtime_error{
          str_cat("none of the ", count, " images can be read; one of them: ", to.skipped.begin()->second)});
      return;
    }
    to.index = others[attempt];
  }
}

inline bool loader::read(slot& to) {
  try {
    to.picture = cache_.read(to.index);
  } catch (const bad_image& error) {
    to.skipped.emplace(to.index, error.what());
    to.error = std::current_exception();
    return false;
  } catch (const std::bad_alloc&) { throw; } catch (...) {
    to.error = std::current_exception();
  }
  return true;
}

}  // namespace pretext::inline v0_1
