#include <algorithm>
#include <cstring>

#include "actions.hpp"
#include "lanewise.hpp"

namespace pretext::tests::ptx {
namespace {

/// The host pointer to a thread's memory at an address, after checking that the access is valid.
template <space where, std::size_t Bytes, bool writes>
std::byte* found(warp& w, const instruction& i, unsigned lane, std::uint64_t address) {
  const auto expects = [&](access_error what) {
    if (what) w.fail(i, lane, (writes ? "writes " : "reads ") + std::string{what});
  };
  const auto within = [&](std::uint64_t size, access_error what) {
    expects(address > size || size - address < Bytes ? what : nullptr);
  };
  if constexpr (where == space::generic) {
    if (address >= local_window)
      return found<space::local, Bytes, writes>(w, i, lane, address - local_window);
    if (address >= shared_window)
      return found<space::shared, Bytes, writes>(w, i, lane, address - shared_window);
    return found<space::global, Bytes, writes>(w, i, lane, address);
  } else if constexpr (where == space::shared) {
    shared_memory& memory = w.context().shared;
    expects(writes ? memory.on_write(address, Bytes, w.now(lane))
                   : memory.on_read(address, Bytes, w.now(lane)));
    return memory.host_pointer(address);
  } else if constexpr (where == space::local) {
    within(w.context().code.local_bytes, "beyond the thread's local memory");
    return w.local(lane) + address;
  } else if constexpr (where == space::parameters) {
    within(w.context().parameters.size(), "beyond the kernel's parameters");
    return const_cast<std::byte*>(w.context().parameters.data()) + address;
  } else {
    device_memory& memory = w.context().global;
    expects(writes ? memory.on_block_write<Bytes>(address)
                   : memory.on_block_read<Bytes>(address, where == space::constant));
    return memory.host_pointer(address);
  }
}

/// Adds the accesses of the warp to what the block is counted to do.
template <space where, bool writes>
void count_request(warp& w, const row& base, std::int64_t offset, std::size_t bytes) {
  request to_global{bytes}, to_shared{bytes};
  w.for_each_lane([&](unsigned lane) {
    const std::uint64_t address = base[lane] + static_cast<std::uint64_t>(offset);
    if (where == space::shared)
      to_shared.add(static_cast<std::uint32_t>(address));
    else if (where != space::generic || address < shared_window)
      to_global.add(address);
    else if (address < local_window)
      to_shared.add(address - shared_window);
  });
  w.context().counted->add_global(to_global, writes);
  w.context().counted->add_shared(to_shared);
}

/// Access to one element or to several consecutive ones, aligned to their total size.
template <space where, class T, std::size_t count, bool writes>
void access(warp& w, const instruction& i) {
  constexpr std::size_t bytes = sizeof(T) * count;
  const row& base = w[i.from[0]];
  if constexpr (where != space::local && where != space::parameters)
    if (w.context().counted) count_request<where, writes>(w, base, i.offset, bytes);
  w.for_each_lane([&](unsigned lane) {
    const std::uint64_t address = base[lane] + static_cast<std::uint64_t>(i.offset);
    // Addresses of shared and local memory may come from 32-bit registers.
    constexpr bool narrow = where == space::shared || where == space::local;
    const std::uint64_t at = narrow ? static_cast<std::uint32_t>(address) : address;
    if (at % bytes != 0)
      w.fail(i, lane, "accesses " + std::to_string(bytes) + " bytes at a misaligned address");
    std::byte* const memory = found<where, bytes, writes>(w, i, lane, at);
    for (std::size_t k = 0; k < count; ++k) {
      T value;
      if constexpr (writes) {
        value = static_cast<T>(w[i.from[1 + k]][lane]);
        std::memcpy(memory + k * sizeof(T), &value, sizeof value);
      } else {
        std::memcpy(&value, memory + k * sizeof(T), sizeof value);
        w[i.to[k]][lane] = bits_of(value);
      }
    }
  });
}

template <space where, bool writes, class T>
action access_to(std::size_t count) {
  if (count == 1) return access<where, T, 1, writes>;
  if (count == 2) return access<where, T, 2, writes>;
  if constexpr (sizeof(T) <= 4)
    if (count == 4) return access<where, T, 4, writes>;
  return nullptr;
}
template <space where, bool writes>
action access_to(std::string_view type, std::size_t count) {
  if (type == "u8" || type == "b8") return access_to<where, writes, std::uint8_t>(count);
  if (type == "u16" || type == "b16") return access_to<where, writes, std::uint16_t>(count);
  if (type == "u32" || type == "b32" || type == "f32") return access_to<where, writes, std::uint32_t>(count);
  if (type == "u64" || type == "b64" || type == "f64") return access_to<where, writes, std::uint64_t>(count);
  if constexpr (!writes) {
    if (type == "s8") return access_to<where, writes, std::int8_t>(count);
    if (type == "s16") return access_to<where, writes, std::int16_t>(count);
    if (type == "s32") return access_to<where, writes, std::int32_t>(count);
  } else {
    if (type == "s8") return access_to<where, writes, std::uint8_t>(count);
    if (type == "s16") return access_to<where, writes, std::uint16_t>(count);
    if (type == "s32") return access_to<where, writes, std::uint32_t>(count);
  }
  return type == "s64" ? access_to<where, writes, std::uint64_t>(count) : nullptr;
}

/// cp.async of 16 bytes: to, from, 16, and the bytes to read, before zeros. The operands name no offset.
void start_copy(warp& w, const instruction& i) {
  request reads{16}, writes{16};
  w.for_each_lane([&](unsigned lane) {
    const auto to = static_cast<std::uint32_t>(w[i.from[0]][lane]),
               bytes = static_cast<std::uint32_t>(w[i.from[3]][lane]);
    const std::uint64_t from = w[i.from[1]][lane];
    if (w[i.from[2]][lane] != 16 || (bytes != 0 && bytes != 16))
      w.fail(i, lane, "copies a number of bytes that the interpreter does not support");
    if (to % 16 != 0 || (bytes != 0 && from % 16 != 0))
      w.fail(i, lane, "copies 16 bytes at a misaligned address");
    warp::copy started{lane, to, {}};
    if (bytes != 0) {
      std::memcpy(started.bytes.data(), found<space::global, 16, false>(w, i, lane, from), 16);
      reads.add(from);
    }
    if (const access_error what = w.context().shared.on_copy_start(to, 16, w.now(lane)))
      w.fail(i, lane, "writes " + std::string{what});
    writes.add(to);
    w.copies().push_back(started);
  });
  if (!w.context().counted) return;
  w.context().counted->add_global(reads, false);
  w.context().counted->add_shared(writes);
}
void finish_copies(warp& w, const instruction& i) {
  shared_memory& memory = w.context().shared;
  std::erase_if(w.copies(), [&](const warp::copy& each) {
    bool waits = false;
    w.for_each_lane([&](unsigned lane) { waits |= lane == each.lane; });
    if (!waits) return false;
    if (const access_error what = memory.on_copy_end(each.to, 16, w.now(each.lane)))
      w.fail(i, each.lane, "writes " + std::string{what});
    std::memcpy(memory.host_pointer(each.to), each.bytes.data(), 16);
    return true;
  });
}

/// mov.b64 d, {a, b}; mov.b64 {a, b}, c; or from register to register.
template <std::size_t bits, std::size_t parts>
void move(warp& w, const instruction& i) {
  constexpr std::size_t each = bits / parts;
  constexpr std::uint64_t mask = each == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << each) - 1;
  w.for_each_lane([&](unsigned lane) {
    if (i.to.size() == i.from.size()) {
      w[i.to[0]][lane] = w[i.from[0]][lane];
    } else if (i.from.size() == parts) {
      std::uint64_t whole = 0;
      for (std::size_t k = 0; k < parts; ++k) whole |= (w[i.from[k]][lane] & mask) << (k * each);
      w[i.to[0]][lane] = whole;
    } else {
      const std::uint64_t whole = w[i.from[0]][lane];
      for (std::size_t k = 0; k < parts; ++k) w[i.to[k]][lane] = whole >> (k * each) & mask;
    }
  });
}

/// Converts between addresses of a state space and generic ones.
template <std::uint64_t window>
action to_or_from_window(bool to_kind) {
  if (to_kind) return lanewise<std::uint64_t, [](std::uint64_t a) { return a - window; }>;
  return lanewise<std::uint64_t, [](std::uint64_t a) { return a + window; }>;
}

}  // namespace

action memory_access(const name_parts& parts, space named) {
  const std::string_view name = parts[0], type = parts.back();
  const auto has = [&](std::string_view part) { return std::ranges::find(parts, part) != parts.end(); };
  const bool writes = name == "st";
  if (name == "ld" || writes) {
    const std::size_t count = has("v4") ? 4 : has("v2") ? 2 : 1;
    const auto one = [&]<space where>() {
      return writes ? access_to<where, true>(type, count) : access_to<where, false>(type, count);
    };
    if (has("nc")) return writes ? nullptr : access_to<space::constant, false>(type, count);
    if (has("global")) return one.operator()<space::global>();
    if (has("shared")) return one.operator()<space::shared>();
    if (has("local") || (has("param") && named == space::local)) return one.operator()<space::local>();
    if (has("param")) return writes ? nullptr : access_to<space::parameters, false>(type, count);
    const bool plain = parts.size() == (count == 1 ? 2u : 3u);
    return plain ? one.operator()<space::generic>() : nullptr;
  }
  if (name == "cvta") {
    const bool to_kind = parts.size() > 2 && parts[1] == "to";
    if (has("shared")) return to_or_from_window<shared_window>(to_kind);
    if (has("local")) return to_or_from_window<local_window>(to_kind);
    return has("global") ? to_or_from_window<0>(to_kind) : nullptr;
  }
  if (name == "cp") {
    const bool async = parts.size() > 2 && parts[1] == "async";
    if (async && parts[2] == "wait_all") return finish_copies;
    return async && has("cg") && has("shared") && has("global") ? start_copy : nullptr;
  }
  if (name == "mov") {
    const bool pair = type == "b64" || type == "u64";
    return pair ? move<64, 2> : move<32, 2>;
  }
  return nullptr;
}

}  // namespace pretext::tests::ptx
