// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <pretext/core/detail/fnv1a.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/parse_number.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// One image of a list.
struct listed_image {
  std::string name;         ///< relative to the root of the list
  std::uint64_t bytes = 0;  ///< `stored_bytes_of` it; 0 where that is not known

  friend bool operator==(const listed_image&, const listed_image&) = default;
};

/// The names and sizes of the images of a source, in their order, and its classes: what tells whether a run
/// is resumed on the images that it was started on. Pixels are not read.
struct image_list {
  std::vector<std::string> classes;
  std::vector<listed_image> images;

  friend bool operator==(const image_list&, const image_list&) = default;
};

/// Lists the images of a source. `root` is removed from their names, so that a data set that was moved has
/// the same list. The sizes of files are asked for by the stream's threads.
inline image_list list_images(const any_source& source, const std::filesystem::path& root = {},
                              const cpu::stream& stream = {}) {
  std::string prefix = root.string();
  while (prefix.size() > 1 && prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && prefix != "/") prefix += '/';
  image_list list{source.class_names(), std::vector<listed_image>(source.size())};
  stream.for_each_run(source.size(), 64, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      std::string name = source.name(i);
      const std::uint64_t bytes = source.stored_bytes(i);
      // "index 17 of ROOT/FILE" has the root in it.
      if (const auto at = prefix.empty() ? name.npos : name.find(prefix); at != name.npos)
        name.erase(at, prefix.size());
      list.images[i] = {std::move(name), bytes};
    }
  });
  return list;
}

namespace detail {

/// One line of text: a backslash and line breaks are written as \\, \n and \r.
inline std::string escape_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (c == '\\' || c == '\n' || c == '\r')
      (line += '\\') += c == '\n' ? 'n' : c == '\r' ? 'r' : c;
    else
      line += c;
  return line;
}
inline std::string unescape_line(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (line[i] == '\\' && i + 1 < line.size())
      text += line[++i] == 'n' ? '\n' : line[i] == 'r' ? '\r' : line[i];
    else
      text += line[i];
  return text;
}

}  // namespace detail

/// The list as text: a line "class NAME" for each class, then a line "BYTES NAME" for each image.
inline std::string to_text(const image_list& list) {
  std::string text;
  for (const auto& name : list.classes) text += str_cat("class ", detail::escape_line(name), "\n");
  for (const auto& [name, bytes] : list.images) text += str_cat(bytes, " ", detail::escape_line(name), "\n");
  return text;
}

/// Reads the text of `to_text`; lines of another form are left out.
inline image_list image_list_from(std::string_view text) {
  image_list list;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const std::size_t space = std::min(line.find(' '), line.size());
    std::string name = detail::unescape_line(line.substr(std::min(space + 1, line.size())));
    if (line.starts_with("class "))
      list.classes.push_back(std::move(name));
    else if (const auto bytes = detail::parse_number<std::uint64_t>(line.substr(0, space)))
      list.images.push_back({std::move(name), *bytes});
  }
  return list;
}

/// A short text that differs between different lists: "40 images, 2 classes, c8a9f2d100f04b17", with FNV-1a
/// of the list's text.
inline std::string fingerprint(const image_list& list) {
  detail::fnv1a hash;
  hash.add(to_text(list));
  return str_cat(list.images.size(), " images, ", list.classes.size(), " classes, ", hash.text());
}

/// Does the earlier list differ from the other one only in sizes that it lacks (0)? Until 2026-11-30 lists
/// had none of images in archives and in files of many.
inline bool lacks_only_sizes(const image_list& earlier, const image_list& now) {
  return earlier.classes == now.classes &&
         std::ranges::equal(earlier.images, now.images, [](const listed_image& a, const listed_image& b) {
           return a.name == b.name && (a.bytes == b.bytes || a.bytes == 0);
         });
}

/// What has changed between two lists, as a part of a sentence that counts what was added, removed and
/// changed and names the first of each kind; empty if the lists are equal. Sizes that the earlier list lacks
/// are no change.
inline std::string difference_between(const image_list& before, const image_list& now) {
  if (lacks_only_sizes(before, now)) return {};
  const auto sizes = [](const image_list& list) {
    std::unordered_map<std::string_view, std::uint64_t> of;
    for (const auto& [name, bytes] : list.images) of.emplace(name, bytes);
    return of;
  };
  std::string text =
      str_cat(before.images.size(), before.images.size() == 1 ? " image then, " : " images then, ",
              now.images.size(), " now");
  const auto count = [&](const char* one, const char* several, const image_list& in, const auto& differs) {
    const auto matches = [&](const listed_image& image) { return differs(image); };
    const auto number = std::ranges::count_if(in.images, matches);
    if (number == 0) return false;
    text += str_cat("; ", number, " ", number == 1 ? one : several, ", the first of them '",
                    std::ranges::find_if(in.images, matches)->name, "'");
    return true;
  };
  const auto old_sizes = sizes(before), new_sizes = sizes(now);
  const auto lacks = [](const auto& of) {
    return [&](const listed_image& i) { return !of.contains(i.name); };
  };
  bool found = count("was added", "were added", now, lacks(old_sizes));
  found = count("was removed", "were removed", before, lacks(new_sizes)) || found;
  found = count("changed its size", "changed their size", now,
                [&](const listed_image& i) {
                  const auto old = old_sizes.find(i.name);
                  return old != old_sizes.end() && old->second != i.bytes && old->second != 0;
                }) ||
          found;
  if (before.classes != now.classes) {
    const auto [old, fresh] = std::ranges::mismatch(before.classes, now.classes);
    text += str_cat("; ", before.classes.size(), " classes then, ", now.classes.size(),
                    " now, the first difference '", old != before.classes.end() ? *old : *fresh, "'");
  } else if (!found) {
    const auto [old, fresh] =
        std::ranges::mismatch(before.images, now.images, {}, &listed_image::name, &listed_image::name);
    text += str_cat("; image ", old - before.images.begin(), " was '",
                    old != before.images.end() ? old->name : "none", "' and is '",
                    fresh != now.images.end() ? fresh->name : "none", "'");
  }
  return text;
}

}  // namespace pretext::inline v0_1
