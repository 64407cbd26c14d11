// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/dtype.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/safetensors_header.hpp>

namespace pretext::inline v0_1 {

static_assert(std::endian::native == std::endian::little, "pretext: safetensors are little-endian");

/// One tensor of a safetensors file: elements of any dtype in row-major order.
struct safetensor {
  std::string dtype = "F32";
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;

  /// A copy of `values` with the dtype of T; throws std::invalid_argument if the shape has another number of
  /// elements.
  template <class T>
  static safetensor of(std::vector<std::size_t> shape, std::span<const T> values) {
    const auto raw = std::as_bytes(values);
    safetensor tensor{std::string{dtype_of<T>()}, std::move(shape), {raw.begin(), raw.end()}};
    expects(tensor.size() == values.size(), "a tensor of shape ", tensor.shape_text(), " has ", tensor.size(),
            " elements, not ", values.size());
    return tensor;
  }

  /// The number of elements.
  std::size_t size() const {
    std::size_t product = 1;
    for (const std::size_t extent : shape) product *= extent;
    return product;
  }

  /// All elements as T, row-major; throws std::invalid_argument if an integer T cannot represent one of them.
  template <class T>
  std::vector<T> as() const {
    std::vector<T> values(size());
    expects(bytes.size() == size() * dtype_size(dtype), "a tensor ", dtype, " of shape ", shape_text(),
            " has ", bytes.size(), " bytes");
    detail::convert_elements(dtype, bytes, values.data());
    return values;
  }

  /// The shape as text: [2, 3].
  std::string shape_text() const {
    std::string text = "[";
    for (const std::size_t extent : shape) (text += text.size() > 1 ? ", " : "") += std::to_string(extent);
    return text + "]";
  }
};

/// The contents of a safetensors file: named tensors and named texts.
struct safetensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, safetensor> tensors;
  std::string origin;  ///< the path that it was read from, for messages; not written

  /// The tensor `name`; throws std::out_of_range with the file and the name if it does not exist.
  const safetensor& at(const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw_error<std::out_of_range>(origin.empty() ? "safetensors" : origin, ": there is no tensor ",
                                     detail::quote(name), " among ", tensors.size(), " tensors");
    return found->second;
  }

  /// All elements of the tensor `name` as T. Throws as `at` and, if they cannot be converted,
  /// std::runtime_error with the file and the name.
  template <class T>
  std::vector<T> as(const std::string& name) const {
    const safetensor& tensor = at(name);
    try {
      return tensor.as<T>();
    } catch (const std::invalid_argument& fault) {
      throw_error<std::runtime_error>(origin, ": ", detail::quote(name), ": ", fault.what());
    }
  }
};

namespace detail {

/// The maximum size of a header in the format.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;
/// The most extents of a tensor in PyTorch and NumPy; it also bounds messages with a shape.
inline constexpr std::size_t max_rank = 64;

/// Sorts the tensors by the offset of their data, and throws unless they fill the `bytes` after the header
/// without gaps and overlaps, each with the size of its dtype and shape.
inline void check_layout(const std::string& file, std::vector<tensor_entry>& tensors, std::uint64_t bytes) {
  std::sort(tensors.begin(), tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
    return std::tie(a.begin, a.end, a.at) < std::tie(b.begin, b.end, b.at);
  });
  std::uint64_t filled = 0;
  for (const tensor_entry& entry : tensors) {
    const auto reject = [&](const auto&... fault) {
      throw_error<std::runtime_error>(file, ": byte ", 8 + entry.at, ": tensor ", quote(entry.name), " ",
                                      fault...);
    };
    if (entry.begin > entry.end || entry.end > bytes)
      reject("is at ", entry.begin, " to ", entry.end, " of ", bytes, " bytes of data");
    if (entry.shape.size() > max_rank)
      reject("has ", entry.shape.size(), " extents, and no framework has more than ", max_rank);
    std::uint64_t size = dtype_size(entry.dtype);
    if (size == 0) reject("has the unknown dtype ", quote(entry.dtype));
    const bool empty = std::find(entry.shape.begin(), entry.shape.end(), 0u) != entry.shape.end();
    for (const std::size_t extent : entry.shape) {
      if (!empty && extent > bytes / size) reject("has a shape larger than the file");
      size = empty ? 0 : size * extent;
    }
    if (entry.end - entry.begin != size)
      reject("has ", entry.end - entry.begin, " bytes, but its dtype and shape need ", size);
    if (entry.begin != filled)
      reject("begins at ", entry.begin, " of the data, but the tensor before it ends at ", filled);
    filled = entry.end;
  }
  if (filled != bytes)
    throw_error<std::runtime_error>(file, ": the file has ", bytes - filled, " bytes after its last tensor");
}

/// What a file is that begins with these bytes and is no safetensors file, with what to do about it; empty if
/// it is unknown.
constexpr std::string_view other_format(std::string_view start) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> known{
      {{"PK\3\4",
        "this is a zip archive, as torch.save writes it (.pt, .pth); save the state_dict with "
        "safetensors.torch.save_file instead"},
       {"\x80\2",
        "this is a pickle, as torch.save writes it (.pt, .pth); save the state_dict with "
        "safetensors.torch.save_file instead"},
       {"\x89HDF", "this is an HDF5 file, as Keras writes it; save the weights as safetensors"},
       {"\x93NUMPY", "this is a NumPy array; save the weights as safetensors"},
       {"GGUF", "this is a GGUF file; save the weights as safetensors"},
       {"version ", "this is a Git LFS pointer and not the file itself; fetch the file with git lfs pull"},
       {"<", "this is an HTML or XML page; download the file of the weights again"},
       {"{", "this is JSON text; name the file that holds the weights"}}};
  for (const auto& [magic, format] : known)
    if (start.starts_with(magic)) return format;
  return {};
}

inline std::string print_header(const safetensors& file,
                                const std::vector<std::pair<std::string_view, const safetensor*>>& order) {
  std::string text = "{";
  const auto member = [&](std::string_view name) {
    ((text += text.size() > 1 ? "," : "") += quote_json(name)) += ':';
  };
  if (!file.metadata.empty()) {
    member("__metadata__");
    char before = '{';
    for (const auto& [name, value] : file.metadata) {
      (((text += before) += quote_json(name)) += ':') += quote_json(value);
      before = ',';
    }
    text += '}';
  }
  std::size_t offset = 0;
  for (const auto& [name, tensor] : order) {
    member(name);
    text += str_cat("{\"dtype\":\"", tensor->dtype, "\",\"shape\":", tensor->shape_text(),
                    ",\"data_offsets\":[", offset, ",", offset + tensor->bytes.size(), "]}");
    offset += tensor->bytes.size();
  }
  text += '}';
  return text.append((8 - text.size() % 8) % 8, ' ');
}

/// The header of a file, and where the data of its tensors begin.
struct file_header {
  safetensors_header parsed;
  std::uint64_t data = 0;
};

inline file_header read_header(const input_file& file) {
  const auto& path = file.path();
  std::array<std::byte, 8> prefix{};
  if (file.size() < prefix.size())
    throw_error<std::runtime_error>(path.string(), ": the file ends at byte ", file.size(),
                                    ", before the eight bytes that every safetensors file begins with");
  file.read(0, prefix);
  const auto length = std::bit_cast<std::uint64_t>(prefix);
  if (length > max_header_bytes || length > file.size() - prefix.size()) {
    const std::string_view format =
        other_format({reinterpret_cast<const char*>(prefix.data()), prefix.size()});
    if (!format.empty()) throw_error<std::runtime_error>(path.string(), ": ", format);
    throw_error<std::runtime_error>(path.string(), ": byte 0: a header of ", length,
                                    " bytes does not fit into a file of ", file.size(),
                                    " bytes; this is no safetensors file or it is truncated");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(prefix.size(), std::as_writable_bytes(std::span{text}));
  file_header header{header_parser{path.string(), text, prefix.size()}.parse(), prefix.size() + length};
  check_layout(path.string(), header.parsed.tensors, file.size() - header.data);
  return header;
}

}  // namespace detail

/// Reads a file in the safetensors format (huggingface/safetensors). Throws std::runtime_error with the file
/// and the byte if it is malformed, truncated or cannot be read.
inline safetensors read_safetensors(const std::filesystem::path& path) {
  const input_file file{path};
  auto [header, data] = detail::read_header(file);
  safetensors contents{std::move(header.metadata), {}, path.string()};
  for (auto& entry : header.tensors) {
    safetensor& tensor = contents.tensors[entry.name];
    tensor.dtype = std::move(entry.dtype);
    tensor.shape = std::move(entry.shape);
    tensor.bytes.resize(static_cast<std::size_t>(entry.end - entry.begin));
    file.read(data + entry.begin, tensor.bytes);
  }
  return contents;
}

/// The metadata of a safetensors file, without its tensors. Throws as `read_safetensors` does.
inline std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  return detail::read_header(input_file{path}).parsed.metadata;
}

/// Writes a file in the safetensors format, which becomes visible when it is complete. Throws
/// std::invalid_argument for a tensor whose number of bytes does not match its dtype and shape,
/// std::runtime_error if the file cannot be written.
inline void write_safetensors(const std::filesystem::path& path, const safetensors& file) {
  std::vector<std::pair<std::string_view, const safetensor*>> order;
  for (const auto& [name, tensor] : file.tensors) {
    expects(name != "__metadata__" && detail::find_invalid_utf8(name) == name.size(), path.string(),
            ": a tensor cannot be called ", detail::quote(name));
    expects(dtype_size(tensor.dtype) > 0 && tensor.bytes.size() == tensor.size() * dtype_size(tensor.dtype),
            path.string(), ": tensor ", detail::quote(name), " of dtype ", tensor.dtype, " and shape ",
            tensor.shape_text(), " cannot have ", tensor.bytes.size(), " bytes");
    order.emplace_back(name, &tensor);
  }
  for (const auto& [name, value] : file.metadata)
    for (const auto& text : {name, value})
      expects(detail::find_invalid_utf8(text) == text.size(), path.string(), ": metadata ",
              detail::quote(name), " is not UTF-8");
  // Wide elements first, so that the data of every tensor are aligned to its elements.
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    const std::size_t size_a = dtype_size(a.second->dtype), size_b = dtype_size(b.second->dtype);
    return size_a != size_b ? size_a > size_b : a.first < b.first;
  });
  const std::string header = detail::print_header(file, order);
  expects(header.size() <= detail::max_header_bytes, path.string(), ": a header of ", header.size(),
          " bytes is too large for a safetensors file");
  const std::array<std::uint64_t, 1> prefix{header.size()};
  output_file out{path};
  out.write(std::as_bytes(std::span{prefix}));
  out.write(std::as_bytes(std::span{header}));
  for (const auto& [name, tensor] : order) out.write(tensor->bytes);
  out.commit();
}

}  // namespace pretext::inline v0_1
