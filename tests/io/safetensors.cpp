#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <pretext/io/safetensors.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;
namespace fs = std::filesystem;

namespace {

fs::path reference_folder() {
  const char* other = std::getenv("PRETEXT_REFERENCE_DIR");
  return other ? other : PRETEXT_REFERENCE;
}

std::string file_of(const std::string& header, std::size_t data_bytes, std::uint64_t length) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data_bytes, '\1');
}
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return file_of(header, data_bytes, header.size());
}

safetensors small_file() {
  safetensors file;
  file.metadata = {{"method", "simclr"}, {"note", "\"quoted\"\n\\ and \xC3\xA9\xE2\x82\xAC"}};
  file.tensors["weight"] = safetensor::of<float>({2, 3}, std::vector<float>{1, -2, 3.5f, 0, 1e-30f, 6});
  file.tensors["steps"] = safetensor::of<std::int64_t>({1}, std::vector<std::int64_t>{-7});
  file.tensors["flags"] = safetensor::of<std::uint8_t>({3}, std::vector<std::uint8_t>{1, 0, 255});
  file.tensors["scalar"] = safetensor::of<double>({}, std::vector<double>{0.1});
  file.tensors["nothing"] = safetensor::of<float>({4, 0}, std::vector<float>{});
  return file;
}

template <class... Words>
void check_rejected(const fs::path& path, const std::string& content, const Words&... words) {
  write_atomically(path, content);
  check_throws<std::runtime_error>([&] { read_safetensors(path); }, path.string(), words...);
}

}  // namespace

TEST_CASE("a file is read as it was written: names, texts, shapes and bits") {
  const temporary_folder folder;
  const auto written = small_file();
  write_safetensors(folder / "a.safetensors", written);
  const auto read = read_safetensors(folder / "a.safetensors");
  CHECK(read.metadata == written.metadata);
  REQUIRE(read.tensors.size() == written.tensors.size());
  for (const auto& entry : written.tensors) {
    CAPTURE(entry.first);
    const safetensor& tensor = read.at(entry.first);
    CHECK(tensor.dtype == entry.second.dtype);
    CHECK(tensor.shape == entry.second.shape);
    CHECK(tensor.bytes == entry.second.bytes);
  }
  CHECK(read.at("weight").as<double>() == std::vector<double>{1, -2, 3.5, 0, double{1e-30f}, 6});
  CHECK(read.at("scalar").size() == 1);
  check_throws<std::out_of_range>([&] { (void)read.at("weights"); }, "a.safetensors", "\"weights\"");
}

TEST_CASE("files follow the format: a padded JSON header and aligned data without gaps") {
  const temporary_folder folder;
  write_safetensors(folder / "a", small_file());
  const auto bytes = read_file(folder / "a");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + 8;
  const auto header = nlohmann::json::parse(text, text + length);
  CHECK(header["__metadata__"]["note"] == small_file().metadata["note"]);
  std::vector<std::pair<std::size_t, std::size_t>> patches;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    CHECK(begin % dtype_size(entry["dtype"].get<std::string>()) == 0);
    patches.emplace_back(begin, end);
  }
  std::sort(patches.begin(), patches.end());
  std::size_t filled = 0;
  for (const auto& [begin, end] : patches) {
    CHECK(begin == filled);
    filled = end;
  }
  CHECK(8 + length + filled == bytes.size());
}

TEST_CASE("a file truncated at any byte is rejected with its name") {
  const temporary_folder folder;
  write_safetensors(folder / "whole", small_file());
  const auto whole = read_file(folder / "whole");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write_atomically(folder / "cut", std::span{whole}.first(length));
    check_throws<std::runtime_error>([&] { read_safetensors(folder / "cut"); }, (folder / "cut").string(),
                                     "byte");
  }
}

TEST_CASE("a header with any byte overwritten is read or rejected, without a crash") {
  const temporary_folder folder;
  write_safetensors(folder / "whole", small_file());
  const auto whole = read_file(folder / "whole");
  std::uint64_t length = 0;
  std::memcpy(&length, whole.data(), 8);
  for (const char replacement : {'\0', '"', '9', ']', '}', '\xFF'})
    for (std::size_t at = 0; at < 8 + length; at += 3) {
      auto broken = whole;
      broken[at] = static_cast<std::byte>(replacement);
      write_atomically(folder / "broken", broken);
      try {
        const auto read = read_safetensors(folder / "broken");
        std::size_t data = 0;
        for (const auto& [name, tensor] : read.tensors) {
          CHECK(tensor.bytes.size() == tensor.size() * dtype_size(tensor.dtype));
          data += tensor.bytes.size();
        }
        CHECK(data == whole.size() - 8 - length);
      } catch (const std::runtime_error& error) {
        CHECK(std::string{error.what()}.find("broken: ") != std::string::npos);
      }
    }
}

TEST_CASE("every malformed file is rejected with the file and the byte") {
  const temporary_folder folder;
  const auto path = folder / "bad.safetensors";
  check_rejected(path, file_of("{}", 0, std::uint64_t{1} << 60), "byte 0", "1152921504606846976");
  check_rejected(path, file_of("{}", 200'000'000, 150'000'000), "byte 0");
  check_rejected(path, file_of(""), "byte 8", "'{'");
  check_rejected(path, file_of("[]"), "byte 8", "'{'");
  check_rejected(path, file_of("{} x"), "byte 11", "last brace");
  check_rejected(path, file_of("{", 0), "byte 9");
  check_rejected(path, file_of("{}", 3), "3 bytes after its last tensor");
  check_rejected(path, file_of("{\"a\xFF\":1}"), "byte 11", "UTF-8");
  check_rejected(path, file_of(R"({"a":1})"), "byte 13", "expected '{'");
  check_rejected(path, file_of(R"({"__metadata__":{"a":1}})"), "byte 29", "expected '\"'");
  check_rejected(path, file_of(R"({"__metadata__":{"a":"1","a":"2"}})"), "\"a\" occurs twice");
  check_rejected(path, file_of(R"({"__metadata__":{"a":"\x"}})"), "unknown escape");
  check_rejected(path, file_of(R"({"__metadata__":{"a":"\ud800"}})"), "surrogate");
  const std::string good = R"("dtype":"U8","shape":[2],"data_offsets":[0,2])";
  check_rejected(path, file_of("{\"a\":{" + good + "},\"a\":{" + good + "}}", 2), "\"a\" occurs twice");
  check_rejected(path, file_of("{\"a\":{" + good + "},\"b\":{" + good + "}}", 2), "\"b\"", "begins at 0",
                 "ends at 2");
  check_rejected(path, file_of("{\"a\":{" + good + ",\"strides\":[1]}}", 2), "unknown member \"strides\"");
  check_rejected(path, file_of("{\"a\":{" + good + ",\"shape\":[2]}}", 2), "\"shape\" occurs twice");
  check_rejected(path, file_of("{\"a\":{" + good + "}}", 1), "byte 9", "0 to 2 of 1 bytes");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[2]}})", 2), "\"a\" lacks");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}})", 2),
                 "two data_offsets");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3), "begins at 1");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2), "2 to 0");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})", 2),
                 "non-negative integer");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})", 2),
                 "expected ']'");
  check_rejected(path, file_of(R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,2]}})", 2), "\"F33\"");
  check_rejected(path, file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}})", 2),
                 "larger than the file");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  check_rejected(path,
                 file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + ones + "],\"data_offsets\":[0,1]}}", 1),
                 "has 65 extents");
  check_rejected(path, file_of(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}})", 4), "2 bytes",
                 "need 3");
  check_rejected(path,
                 file_of(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,2]}})", 2),
                 "larger");
  check_rejected(path,
                 file_of(R"({"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,2]}})", 2),
                 "too large");
}

TEST_CASE("names of a file are escaped and cut in messages") {
  const temporary_folder folder;
  const auto path = folder / "bad.safetensors";
  const auto message = [&](const std::string& name) -> std::string {
    write_atomically(path,
                     file_of("{\"" + name + R"(":{"dtype":"F33","shape":[2],"data_offsets":[0,2]}})", 2));
    try {
      read_safetensors(path);
    } catch (const std::runtime_error& error) { return error.what(); }
    return {};
  };
  CHECK(message(R"(a\u001b[2Jb\u0000c\u009b1m)").find(R"(tensor "a\x1b[2Jb\x00c\xc2\x9b1m" has)") !=
        std::string::npos);
  CHECK(message(std::string(79, 'n') + "\xC3\xA9" + std::string(1'000'000, 'm'))
            .find('"' + std::string(79, 'n') + "\u2026\" has") != std::string::npos);
}

TEST_CASE("a file of another format is called by its name, with what to do about it") {
  const temporary_folder folder;
  const auto path = folder / "weights.pth";
  const auto zeros = std::string(100, '\0');
  check_rejected(path, std::string{"PK\3\4\x14"} + zeros, "zip archive", "torch.save", "save_file");
  check_rejected(path, std::string{"\x80\2\x8A\x0A"} + zeros, "pickle", "save_file");
  check_rejected(path, "\x89HDF\r\n\x1A\n" + zeros, "HDF5");
  check_rejected(path, "version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  check_rejected(path, "<!DOCTYPE html><html></html>", "HTML");
  check_rejected(path, "{\"weight_map\": {}}", "JSON text");
}

TEST_CASE("all escapes of JSON are decoded in names and texts") {
  const temporary_folder folder;
  write_atomically(folder / "a", file_of(R"( {} )").replace(8, 4, R"({  })"));
  CHECK(read_safetensors(folder / "a").tensors.empty());
  const std::string header =
      R"({"__metadata__" : { "k\u0041\/" : "\ud83d\ude00\u00e9\u20AC\t\"" } , "\b\f" : )"
      R"({"shape":[],"data_offsets":[0,1],"dtype":"U8"}}   )";
  write_atomically(folder / "b", file_of(header, 1));
  const auto read = read_safetensors(folder / "b");
  CHECK(read.metadata.at("kA/") == "\xF0\x9F\x98\x80\xC3\xA9\xE2\x82\xAC\t\"");
  CHECK(read.at("\b\f").as<int>() == std::vector<int>{1});
}

TEST_CASE("elements of every dtype convert, and integer types reject values that they cannot represent") {
  const auto raw = [](std::string dtype, std::vector<std::uint16_t> words) {
    const auto bytes = std::as_bytes(std::span{words});
    return safetensor{std::move(dtype), {words.size()}, {bytes.begin(), bytes.end()}};
  };
  CHECK(raw("BF16", {0x3F80, 0xC040, 0x0000}).as<double>() == std::vector<double>{1, -3, 0});
  const auto halves =
      raw("F16", {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8400, 0x7C00, 0x3555, 0x7E00}).as<double>();
  CHECK(halves[0] == 1);
  CHECK(halves[1] == -2);
  CHECK(halves[2] == 65504);
  CHECK(halves[3] == std::ldexp(1.0, -24));
  CHECK(halves[4] == -std::ldexp(1.0, -14));
  CHECK(std::isinf(halves[5]));
  CHECK(halves[6] == doctest::Approx(1.0 / 3).epsilon(1e-3));
  CHECK(std::isnan(halves[7]));
  const auto big = safetensor::of<std::int64_t>({2}, std::vector<std::int64_t>{std::int64_t{1} << 40, -1});
  CHECK(big.as<std::int64_t>()[0] == std::int64_t{1} << 40);
  CHECK(big.as<float>()[1] == -1);
  check_throws<std::invalid_argument>([&] { big.as<int>(); }, "1099511627776");
  check_throws<std::invalid_argument>([] { safetensor::of<double>({1}, std::vector<double>{2.5}).as<int>(); },
                                      "2.5");
  check_throws<std::invalid_argument>(
      [] { safetensor::of<float>({1}, std::vector<float>{0x1p31f}).as<int>(); }, "2147483648");
  check_throws<std::invalid_argument>([&] { raw("F8_E4M3", {}).as<float>(); }, "F8_E4M3");
  safetensors file;
  file.origin = "some.safetensors";
  file.tensors["scale"] = raw("F8_E4M3", {});
  check_throws<std::runtime_error>([&] { file.as<float>("scale"); }, "some.safetensors: \"scale\"", "F8_E4M3",
                                   "save the tensor as F32");
}

TEST_CASE("a tensor whose bytes do not match its shape is rejected, and the old file is unchanged") {
  const temporary_folder folder;
  auto file = small_file();
  write_safetensors(folder / "a", file);
  const auto before = read_file(folder / "a");
  file.tensors["weight"].shape = {5};
  check_throws<std::invalid_argument>([&] { write_safetensors(folder / "a", file); }, "a: tensor \"weight\"",
                                      "[5]", "24 bytes");
  CHECK(read_file(folder / "a") == before);
  check_throws<std::invalid_argument>(
      [] {
        safetensor::of<float>({2, 2}, std::vector<float>(3));
      },
      "[2, 2]", "has 4 elements, not 3");
}

TEST_CASE("files written by the Python package are read: every tensor finite, every text JSON") {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator{reference_folder()}) {
    if (entry.path().extension() != ".safetensors") continue;
    CAPTURE(entry.path().string());
    ++files;
    const auto file = read_safetensors(entry.path());
    CHECK(!file.tensors.empty());
    for (const auto& [name, tensor] : file.tensors) {
      const auto numbers = tensor.as<double>();
      CHECK(std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); }));
    }
    for (const auto& [name, value] : file.metadata) CHECK(nlohmann::json::accept(value));
  }
  CHECK(files > 0);
  const auto knn = read_safetensors(reference_folder() / "knn.safetensors");
  const auto shape = knn.at("bank").shape;
  REQUIRE(shape.size() == 2);
  CHECK(knn.at("labels").as<int>().size() == shape[0]);
  CHECK(nlohmann::json::parse(knn.metadata.at("k")).get<int>() > 0);
}
