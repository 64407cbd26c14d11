// Also tests data/tar_writer.hpp.
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/tar_index.hpp>
#include <pretext/data/tar_writer.hpp>
#include <pretext/io/file.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

using files = std::vector<std::pair<std::string, std::string>>;

void write_tar(const std::filesystem::path& path, const files& contents) {
  tar_writer archive{path};
  for (const auto& [name, text] : contents) archive.add(name, std::as_bytes(std::span{text}));
  archive.commit();
}

/// Names and contents of the files in an archive.
files read_tar(const std::filesystem::path& path) {
  const input_file archive{path};
  files found;
  for_each_tar_entry(archive, [&](const tar_entry& entry) {
    std::string text(entry.size, '\0');
    archive.read(entry.offset, std::as_writable_bytes(std::span{text}));
    found.emplace_back(entry.name, text);
  });
  return found;
}

/// Writes the checksum of a header.
std::string with_checksum(std::string header) {
  header.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char digits[16];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  return header.replace(148, 7, digits, 7);
}

/// A header as GNU tar and Python write it.
std::string header_of(const std::string& name, const std::string& size, char type, bool gnu = false) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(124, size.size(), size);
  header[156] = type;
  header.replace(257, 8,
                 gnu ? std::string{"ustar  \0", 8}
                     : std::string{"ustar\0"
                                   "00",
                                   8});
  return with_checksum(header);
}

std::string octal(std::size_t size) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%011zo", size);
  return digits;
}

std::string padded(std::string text) {
  text.resize((text.size() + 511) / 512 * 512);
  return text;
}

const std::string end(1024, '\0');

}  // namespace

TEST_CASE("what was written is read, at the offsets of the bytes") {
  const temporary_folder folder;
  const files contents{{"000.cls", "7"},
                       {"000.jpg", std::string(512, 'x')},
                       {"empty", ""},
                       {"a/b.png", std::string(700, 'y')}};
  write_tar(folder / "a.tar", contents);
  CHECK(read_tar(folder / "a.tar") == contents);
  write_tar(folder / "none.tar", {});
  CHECK(read_tar(folder / "none.tar").empty());
  write_tar(folder / "again.tar", contents);
  CHECK(read_file(folder / "a.tar") == read_file(folder / "again.tar"));
  tar_writer archive{folder / "b.tar"};
  check_throws<std::invalid_argument>([&] { archive.add(std::string(101, 'n'), {}); }, "1 to 100 bytes");
}

TEST_CASE("long names and sizes of GNU tar and of pax are read, and other kinds of entries are passed over") {
  const temporary_folder folder;
  const std::string long_name = std::string(150, 'd') + "/" + std::string(120, 'n') + ".jpg";
  const std::string path_record = "285 path=" + long_name + "\n",
                    record = "10 size=3\n" + std::string{"16 comment=abcd\n"};
  std::string prefixed(512, '\0');
  prefixed.replace(0, 5, "x.png");
  prefixed.replace(124, 11, octal(1));
  prefixed[156] = '\0';  // of tar before POSIX
  prefixed.replace(257, 8,
                   std::string{"ustar\0"
                               "00",
                               8});
  prefixed.replace(345, 6, "folder");
  std::string binary = octal(0) + '\0';
  binary.assign(12, '\0');
  binary[0] = '\x80';
  binary[11] = '\2';
  write_atomically(folder / "a.tar",
                   header_of("././@LongLink", octal(long_name.size() + 1), 'L', true) +
                       padded(long_name + '\0') + header_of(long_name.substr(0, 100), octal(2), '0', true) +
                       padded("gn") + header_of("folder/", octal(0), '5') + header_of("link", octal(0), '2') +
                       header_of("global", octal(record.size()), 'g') + padded(record) +
                       header_of("PaxHeaders/x", octal(path_record.size()), 'x') + padded(path_record) +
                       header_of("short", octal(1), '0') + padded("p") +
                       header_of("PaxHeaders/x", octal(record.size()), 'x') + padded(record) +
                       header_of("sized", octal(0), '0') + padded("abc") + with_checksum(prefixed) +
                       padded("z") + header_of("binary", binary, '0', true) + padded("bb") + end + "ignored");
  CHECK(
      read_tar(folder / "a.tar") ==
      files{{long_name, "gn"}, {long_name, "p"}, {"sized", "abc"}, {"folder/x.png", "z"}, {"binary", "bb"}});
}

TEST_CASE(
    "a truncated, damaged or compressed archive is refused with the position, and no size is believed") {
  const temporary_folder folder;
  const auto refused = [&](const std::string& bytes, const std::string& word) {
    write_atomically(folder / "a.tar", bytes);
    check_throws<std::runtime_error>([&] { read_tar(folder / "a.tar"); },
                                     (folder / "a.tar").string() + ": byte ", word);
  };
  write_tar(folder / "good.tar", {{"1.jpg", std::string(600, 'x')}, {"2.jpg", std::string(100, 'y')}});
  const auto bytes = read_file(folder / "good.tar");
  const std::string good{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  // Files of 600 and 100 bytes in blocks of 512, each after a header, and two empty blocks. An archive that
  // ends after a file, or in the second empty block, cannot be told from a whole one; other readers accept
  // it.
  for (std::size_t length = 1; length < good.size(); ++length) {
    CAPTURE(length);
    if (length == 1536 || length == 2560 || length >= 3072) continue;
    refused(good.substr(0, length), "truncated");
  }
  std::string damaged = good;
  damaged[1536 + 3] ^= 1;
  refused(damaged, "byte 1536: the checksum");
  refused(std::string(2000, 'x'), "checksum");
  refused("\x1F\x8B" + std::string(600, 'x'), "decompress");
  refused("\x28\xB5\x2F\xFD" + std::string(600, 'x'), "decompress");
  std::string huge(12, '\xFF');
  refused(header_of("a.jpg", huge, '0'), "no number");
  huge.assign(12, '\0');
  huge[0] = '\x80';
  huge.replace(5, 7, 7, '\x7F');
  refused(header_of("a.jpg", huge, '0') + end, "truncated");
  refused(header_of("a.jpg", "77777777777", '0') + end, "truncated");
  refused(header_of("a.jpg", "12x", '0') + end, "number");
  refused(header_of("a.jpg", octal(2'000'000), 'L') + std::string(2'000'000, 'n') + end,
          "the name of a file has 2000000");
  for (const char* record :
       {"99 path=a\n", "0 path=a\n", "path=a\n", "9 path=ab", "18446744073709551617 path=a\n"})
    refused(header_of("x", octal(std::string{record}.size()), 'x') + padded(record) + end, "pax");
  refused(header_of("x", octal(12), 'x') + padded("12 size=10x\n") + end, "no number");
  refused(header_of("x", octal(0), 'S') + end, "sparse");
}
