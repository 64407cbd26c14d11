#include "pretext_encoder.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <pretext/core/image_layout.hpp>

#include "models.hpp"

struct pretext_model {
  std::unique_ptr<c_api::model> of;
};

struct pretext_context {
  std::unique_ptr<c_api::session> of;
  std::vector<pretext::image_view> views;
};

namespace {

thread_local std::string last_error;

/// The result of `body`, or `failure` and the sentence in `last_error`.
template <class Result, class Body>
Result guarded(Result failure, const Body& body) noexcept {
  try {
    try {
      return body();
    } catch (const std::bad_alloc&) {
      last_error = "there is not enough memory";
    } catch (const std::exception& error) { last_error = error.what(); }
  } catch (...) {  // no memory for the sentence
    last_error.clear();
  }
  return failure;
}

/// The images of a call as the library sees them, in place.
std::span<const pretext::image_view> views_of(pretext_context& context, const pretext_image* images,
                                              std::size_t count) {
  pretext::expects(images || count == 0, "images is NULL");
  context.views.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const pretext_image& image = images[i];
    pretext::expects(image.type >= PRETEXT_UINT8 && image.type <= PRETEXT_FLOAT32, "image ", i, " of ", count,
                     " has the type ", image.type, "; use PRETEXT_UINT8, PRETEXT_UINT16 or PRETEXT_FLOAT32");
    pretext::expects(image.order == PRETEXT_RGB || image.order == PRETEXT_BGR, "image ", i, " of ", count,
                     " has the order ", image.order, "; use PRETEXT_RGB or PRETEXT_BGR");
    constexpr std::size_t most = 1u << 20;  // pixels of a side: no size overflows
    pretext::expects(image.height <= most && image.width <= most && image.channels <= 4096, "image ", i,
                     " of ", count, " has ", image.height, " x ", image.width, " x ", image.channels,
                     " samples; are the members of pretext_image in the right order?");
    pretext::image_view view{
        static_cast<const std::uint8_t*>(image.pixels), image.height, image.width, image.channels,
        static_cast<pretext::sample_type>(image.type),  {},           {}};
    const std::size_t row = image.width * image.channels * pretext::size_of(view.type);
    pretext::expects(image.stride == 0 || image.stride >= row, "image ", i, " of ", count,
                     " has a stride of ", image.stride, " bytes, and a row has ", row);
    if (view.pixels && view.bytes() > 0) {
      if (image.stride > row) view = pretext::with_row_stride(view, image.stride);
      if (image.order == PRETEXT_BGR) view = pretext::reversed_channels(view);
    }
    context.views.push_back(view);
  }
  return context.views;
}

void write(std::span<const float> values, float* to) {
  pretext::expects(to || values.empty(), "the memory for the result is NULL");
  std::ranges::copy(values, to);
}

}  // namespace

int pretext_interface(void) { return PRETEXT_ENCODER_INTERFACE; }

const char* pretext_error(void) { return last_error.c_str(); }

pretext_model* pretext_load(const char* path) {
  return guarded<pretext_model*>(nullptr, [&] {
    pretext::expects(path, "path is NULL");
    return new pretext_model{c_api::load(pretext::read_safetensors(path))};
  });
}

void pretext_free_model(pretext_model* model) { delete model; }

size_t pretext_feature_size(const pretext_model* model) { return model->of->feature_size(); }

size_t pretext_channels(const pretext_model* model) { return model->of->channels(); }

size_t pretext_class_count(const pretext_model* model) { return model->of->class_names().size(); }

const char* pretext_class_name(const pretext_model* model, size_t index) {
  const auto names = model->of->class_names();
  return index < names.size() ? names[index].c_str() : nullptr;
}

pretext_context* pretext_make_context(const pretext_model* model, size_t threads) {
  return guarded<pretext_context*>(nullptr, [&] {
    pretext::expects(model, "model is NULL");
    pretext::expects(threads > 0 && threads <= 1024, "a context needs 1 to 1024 threads, not ", threads);
    return new pretext_context{model->of->open(threads), {}};
  });
}

void pretext_free_context(pretext_context* context) { delete context; }

int pretext_embed(pretext_context* context, const pretext_image* images, size_t count, float* features) {
  return guarded(-1, [&] {
    pretext::expects(context, "context is NULL");
    write(context->of->features(views_of(*context, images, count)), features);
    return 0;
  });
}

int pretext_classify(pretext_context* context, const pretext_image* images, size_t count,
                     float* probabilities) {
  return guarded(-1, [&] {
    pretext::expects(context, "context is NULL");
    write(context->of->probabilities(views_of(*context, images, count)), probabilities);
    return 0;
  });
}
