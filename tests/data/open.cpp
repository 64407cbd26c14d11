#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/open.hpp>

#include "support/pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  write_atomically(path, bytes);
}

std::string any_png() { return png_of(1, 1, PNG_COLOR_TYPE_GRAY, 8, {7}); }

any_source opened(const fs::path& path, dataset_split part = dataset_split::train) {
  return open_source(path, {.part = part});
}

}  // namespace

TEST_CASE("CIFAR-10, CIFAR-100, STL-10 and MNIST are recognised by their files, also one folder deeper") {
  const temporary_folder ten, hundred, stl, mnist;
  for (const char number : {'1', '2', '3', '4', '5'})
    put(ten / "cifar-10-batches-bin" / (std::string{"data_batch_"} + number + ".bin"),
        std::string(3073, '\4'));
  put(ten / "cifar-10-batches-bin" / "test_batch.bin", std::string(3073, '\2'));
  CHECK(opened(ten.path()).size() == 5);
  CHECK(opened(ten / "cifar-10-batches-bin").label(0) == 4);
  CHECK(opened(ten.path(), dataset_split::test).label(0) == 2);

  put(hundred / "train.bin", std::string(3074, '\x20'));
  put(hundred / "test.bin", std::string(2 * 3074, '\x20'));
  CHECK(opened(hundred.path()).class_names().size() == 100);
  CHECK(opened(hundred.path(), dataset_split::test).size() == 2);

  put(stl / "stl10_binary" / "unlabeled_X.bin", std::string(2 * 27648, 'x'));
  CHECK(opened(stl.path(), dataset_split::unlabeled).size() == 2);

  const std::string head{'\0', '\0', '\x08', '\3', '\0', '\0', '\0', '\1',
                         '\0', '\0', '\0',   '\1', '\0', '\0', '\0', '\1'};
  put(mnist / "MNIST" / "raw" / "train-images-idx3-ubyte", head + "a");
  put(mnist / "MNIST" / "raw" / "t10k-images-idx3-ubyte", head + "b");
  put(mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte",
      std::string{'\0', '\0', '\x08', '\1', '\0', '\0', '\0', '\1', '\6'});
  image picture;
  opened(mnist.path()).read(0, picture);
  CHECK(picture.pixels[0] == 'a');
  CHECK(opened(mnist.path()).label(0) == -1);
  CHECK(opened(mnist.path(), dataset_split::test).label(0) == 6);

  for (const auto* folder : {&ten, &hundred, &mnist}) CHECK(has_test_part(folder->path()));
  CHECK(!has_test_part(stl.path()));
}

TEST_CASE("folders of images open as a whole or by split") {
  const temporary_folder plain, parts;
  put(plain / "x.png", any_png());
  CHECK(opened(plain.path()).size() == 1);
  CHECK(!has_test_part(plain.path()));
  check_throws<std::runtime_error>([&] { opened(plain.path(), dataset_split::test); }, plain.path().string(),
                                   "no folder test, val, valid or validation");
  put(parts / "train" / "a" / "1.png", any_png());
  put(parts / "train" / "b" / "2.png", any_png());
  put(parts / "val" / "a" / "3.png", any_png());
  put(parts / "val" / "b" / "4.png", any_png());
  put(parts / "val" / "b" / "5.png", any_png());
  CHECK(opened(parts.path()).size() == 2);
  CHECK(opened(parts.path(), dataset_split::test).size() == 3);
  CHECK(has_test_part(parts.path()));
  fs::remove_all(parts / "val" / "a");
  CHECK(opened(parts.path(), dataset_split::test).label(0) == 1);  // still the index of b in train
  fs::rename(parts / "val" / "b", parts / "val" / "c");
  CHECK(opened(parts.path(), dataset_split::test).label(0) == -1);
  CHECK(opened(parts.path(), dataset_split::test).left_out().unknown_classes.at("c") == 2);
  fs::rename(parts / "train", parts / "others");
  check_throws<std::runtime_error>([&] { opened(parts.path()); }, parts.path().string(), "no folder train");
}

TEST_CASE("the parts of a data set are found in any capitals, and what belongs to no part is named") {
  for (const auto& [train, test] :
       {std::pair{"Train", "Test"}, {"TRAIN", "valid"}, {"training", "Validation"}}) {
    const temporary_folder parts;
    for (const char* name : {"a/1.png", "b/1.png"}) {
      put(parts / train / name, any_png());
      put(parts / test / name, any_png());
    }
    put(parts / "extra" / "1.png", any_png());
    put(parts / "words.txt", "x");
    put(parts / "preview.png", any_png());
    const auto source = opened(parts.path());
    CHECK(source.class_names() == std::vector<std::string>{"a", "b"});
    CHECK(source.size() == 2);
    CHECK(source.left_out().folders == std::vector<std::string>{"extra"});
    CHECK(source.left_out().files == std::map<std::string, std::size_t>{{".png", 1}, {".txt", 1}});
    CHECK(has_test_part(parts.path()));
    CHECK(opened(parts.path(), dataset_split::test).label(1) == 1);
  }
}

TEST_CASE("of two parts for testing, the one whose images have the classes of the training images is taken") {
  const temporary_folder tiny, image_net;
  for (const char* name : {"n01", "n02"}) put(tiny / "train" / name / "images" / "0.png", any_png());
  put(tiny / "train" / "n01" / "n01_boxes.txt", "x");
  put(tiny / "test" / "images" / "test_0.png", any_png());
  for (const char* name : {"val_0.png", "val_1.png"}) put(tiny / "val" / "images" / name, any_png());
  put(tiny / "val" / "val_annotations.txt", "val_0.png\tn02\t0\nval_1.png\tn01\t0\n");
  const auto val = opened(tiny.path(), dataset_split::test);
  REQUIRE(val.size() == 2);
  CHECK(val.label(0) == 1);
  CHECK(val.label(1) == 0);
  CHECK(opened(tiny.path()).class_names() == std::vector<std::string>{"n01", "n02"});

  // ImageNet, sorted or as it is distributed, also below the folders of its archive.
  for (const char* name : {"n01", "n02"}) {
    put(image_net / "ILSVRC/Data/CLS-LOC/train" / name / "0.png", any_png());
    put(image_net / "ILSVRC/Data/CLS-LOC/val" / name / "0.png", any_png());
  }
  put(image_net / "ILSVRC/Annotations/x.xml", "x");
  put(image_net / "ILSVRC/Data/CLS-LOC/test/1.png", any_png());
  CHECK(opened(image_net.path()).size() == 2);
  CHECK(opened(image_net.path(), dataset_split::test).label(1) == 1);
  fs::remove_all(image_net / "ILSVRC/Data/CLS-LOC/val");
  put(image_net / "ILSVRC/Data/CLS-LOC/val/1.png", any_png());
  CHECK(opened(image_net.path(), dataset_split::test).label(0) == -1);
}

TEST_CASE("parts are found one folder deeper, and a class named raw is no unpacked archive") {
  const temporary_folder archive, photos;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"})
    put(archive / "pets-1.0" / name, any_png());
  CHECK(opened(archive.path()).size() == 2);
  CHECK(opened(archive.path(), dataset_split::test).size() == 1);
  for (const char* name : {"raw/1.png", "edited/1.png"}) put(photos / name, any_png());
  CHECK(opened(photos.path()).class_names() == std::vector<std::string>{"edited", "raw"});
}

TEST_CASE(
    "a missing folder, an archive, the Python version of CIFAR and an empty folder are rejected with "
    "advice") {
  const temporary_folder folder;
  const auto refused = [&](const fs::path& path, const std::string& word) {
    check_throws<std::runtime_error>([&] { opened(path); }, path.string() + ": ", word);
  };
  refused(folder / "missing", "no such folder");
  put(folder / "cifar.tar.gz", "x");
  refused(folder / "cifar.tar.gz", "unpack");
  put(folder / "python" / "data_batch_1", "x");
  refused(folder / "python", "cifar-10-binary.tar.gz");
  fs::create_directory(folder / "empty");
  refused(folder / "empty", "no images");
}
