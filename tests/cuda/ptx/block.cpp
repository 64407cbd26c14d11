#include "block.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace pretext::tests::ptx {
namespace {

constexpr std::uint32_t nowhere = ~std::uint32_t{0};

}  // namespace

std::string readable(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name{
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free};
  return name ? name.get() : mangled;
}

warp::warp(const launch_context& context, unsigned first_thread)
    : context_{context},
      first_thread_{first_thread},
      rows_(context.code.registers),
      local_(context.code.local_bytes * lanes) {
  for (const auto& [at, value] : context.code.constants) rows_[at].fill(value);
  rows_[always].fill(1);
  rows_[block_count].fill(context.grid.blocks);
  rows_[thread_count].fill(context.grid.threads);
  for (unsigned lane = 0; lane < lanes; ++lane) {
    rows_[thread_index][lane] = first_thread + lane;
    rows_[lane_index][lane] = lane;
  }
}

void warp::begin(unsigned block) {
  block_ = block;
  rows_[block_index].fill(block);
  std::ranges::fill(local_, std::byte{0xFF});
  next_.fill(0);
  copies_.clear();
  executed_ = 0;
  const unsigned threads = std::min(lanes, context_.grid.threads - first_thread_);
  alive_ = threads == lanes ? ~std::uint32_t{0} : (std::uint32_t{1} << threads) - 1;
}

warp::state warp::run() {
  while (alive_ != 0)
    if (const state now = advance(); now == state::waits) return now;
  return state::has_ended;
}

void warp::set_next(std::uint32_t threads, std::uint32_t counter) {
  for (std::uint32_t left = threads; left != 0; left &= left - 1)
    next_[static_cast<unsigned>(std::countr_zero(left))] = counter;
}

warp::state warp::advance() {
  const bool warp_wide = waiting_ == alive_;
  if (warp_wide) waiting_ = 0;
  std::uint32_t at = nowhere, others = nowhere,
                here = 0;  // the lowest program counter, the next higher one, and the threads at the lowest
  for (std::uint32_t left = alive_ & ~waiting_; left != 0; left &= left - 1) {
    const std::uint32_t bit = left & ~(left - 1), next = next_[static_cast<unsigned>(std::countr_zero(left))];
    if (next == at) {
      here |= bit;
    } else if (next < at) {
      others = at;
      at = next;
      here = bit;
    } else {
      others = std::min(others, next);
    }
  }
  const std::vector<instruction>& code = context_.code.code;
  if (warp_wide && others != nowhere)
    fail(code[at], static_cast<unsigned>(std::countr_zero(here)),
         "waits for threads of its warp that wait at another instruction");
  for (; at < others; ++at) {
    const instruction& i = code[at];
    if (i.aligned && here != ~std::uint32_t{0})
      fail(i, static_cast<unsigned>(std::countr_zero(~here)),
           "does not execute an instruction together with its whole warp");
    if (i.warp_wide && here != alive_) {
      waiting_ |= here;
      set_next(here, at);
      return state::runs;
    }
    active_ = here;
    if (i.guard != always || i.negated)
      for (unsigned lane = 0; lane < lanes; ++lane)
        if (((rows_[i.guard][lane] & 1) != 0) == i.negated) active_ &= ~(std::uint32_t{1} << lane);
    if (context_.counted) count(i);
    if (active_ == 0) continue;
    if (i.warp_wide && active_ != alive_)
      fail(i, static_cast<unsigned>(std::countr_zero(alive_ & ~active_)),
           "skips an instruction that its whole warp must execute");
    switch (i.is) {
      case instruction::kind::ordinary:
        i.act(*this, i);
        break;
      case instruction::kind::branch:
        if (active_ == here && i.target < others) {
          at = i.target - 1;
        } else {
          set_next(here & ~active_, at + 1);
          set_next(active_, i.target);
          return state::runs;
        }
        break;
      case instruction::kind::end:
        for (const copy& each : copies_)
          if ((active_ >> each.lane & 1) != 0)
            fail(i, each.lane, "exits before a copy that it has started ends");
        alive_ &= ~active_;
        set_next(here & ~active_, at + 1);
        return state::runs;
      case instruction::kind::barrier:
        set_next(here, at + 1);
        barriers_ = 0;
        return state::waits;
    }
  }
  set_next(here, at);
  return state::runs;
}

void warp::fail(const instruction& i, unsigned lane, const std::string& what) const {
  std::ostringstream text;
  text << "thread " << first_thread_ + lane << " of block " << block_ << " " << what << ", in `" << i.text
       << "` of " << readable(context_.code.name);
  throw fault{text.str()};
}

kernel_run::kernel_run(const kernel& code, const grid_of_blocks& grid,
                       const std::vector<std::byte>& parameters, device_memory& global, shared_memory& shared,
                       block_counts* counted)
    : context_{code, grid, parameters, global, shared, counted} {
  if (parameters.size() != code.parameter_bytes)
    throw fault{"a kernel was launched with parameters of the wrong size"};
  for (unsigned first = 0; first < grid.threads; first += lanes) warps_.emplace_back(context_, first);
  global.begin_kernel();
}

void kernel_run::run(unsigned block) {
  shared_memory& shared = context_.shared;
  context_.global.begin_block();
  shared.begin(context_.grid.shared_bytes + context_.code.shared_bytes);
  for (warp& each : warps_) each.begin(block);
  for (bool waiting = true; waiting;) {
    std::size_t ended = 0;
    for (warp& each : warps_) ended += each.run() == warp::state::has_ended;
    waiting = ended < warps_.size();
    if (waiting && ended > 0)
      throw fault{"warps of " + readable(context_.code.name) +
                  " wait at a barrier after other warps have exited"};
    shared.pass_barrier();
    if (waiting && context_.counted) ++context_.counted->barriers;
  }
  if (!context_.counted) return;
  for (const warp& each : warps_) {
    context_.counted->instructions += each.executed();
    context_.counted->longest_warp = std::max(context_.counted->longest_warp, each.executed());
  }
  context_.counted->end_block();
}

void run_kernel(const kernel& code, const grid_of_blocks& grid, const std::vector<std::byte>& parameters,
                device_memory& global, shared_memory& shared) {
  kernel_run launched{code, grid, parameters, global, shared};
  for (unsigned block = 0; block < grid.blocks; ++block) launched.run(block);
}

}  // namespace pretext::tests::ptx
