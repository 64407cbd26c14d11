// expects: pretext: on<device> needs a device with a stream, allocate, release, write, read and clear
#include <cstddef>
#include <pretext/pretext.hpp>
struct accelerator {
  struct stream {};
  template <class T>
  static T* allocate(std::size_t count) {
    return new T[count]{};
  }
  template <class T>
  static void release(T* data) {
    delete[] data;
  }
};
using method = pretext::simclr<pretext::shape<32, 32, 3>, pretext::resnet18<pretext::stem::cifar>>;
pretext::trainer<method, pretext::on<accelerator>, pretext::lars> learner;
