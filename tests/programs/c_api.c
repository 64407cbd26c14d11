/* c_api FILE.safetensors PICTURE.ppm: tests examples/c_api in plain C; c_api.sh compiles and runs it. Prints the feature of
 * the picture, and for a classifier its most probable class. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pretext_encoder.h"

#define CHECK(claim) \
  do { \
    if (!(claim)) { \
      fprintf(stderr, "c_api.c:%d: %s does not hold; the last error is \"%s\"\n", __LINE__, #claim, pretext_error()); \
      exit(1); \
    } \
  } while (0)

struct work {
  const pretext_model* model;
  const pretext_image* image;
  float* feature;
};

/* Every thread has a context of its own. */
static void* embed(void* argument) {
  const struct work* work = argument;
  pretext_context* context = pretext_make_context(work->model, 1);
  CHECK(context != NULL);
  for (int i = 0; i < 20; ++i) CHECK(pretext_embed(context, work->image, 1, work->feature) == 0);
  pretext_free_context(context);
  return NULL;
}

static int fails_with(const char* text) { return strstr(pretext_error(), text) != NULL; }

int main(int count, char** words) {
  CHECK(count == 3);
  CHECK(pretext_interface() == PRETEXT_ENCODER_INTERFACE);
  CHECK(strcmp(pretext_error(), "") == 0);
  CHECK(pretext_load("nowhere.safetensors") == NULL && fails_with("nowhere.safetensors: cannot open the file"));
  CHECK(pretext_load(NULL) == NULL && fails_with("path is NULL"));
  CHECK(pretext_load(words[2]) == NULL && fails_with("picture.ppm"));

  pretext_model* model = pretext_load(words[1]);
  CHECK(model != NULL);
  const size_t size = pretext_feature_size(model), classes = pretext_class_count(model);
  CHECK(size == 128 && pretext_channels(model) == 3);
  CHECK(pretext_class_name(model, classes) == NULL);

  enum { height = 30, width = 40, gap = 7 };
  static unsigned char packed[height * width * 3], backwards[height * width * 3], padded[height * (width * 3 + gap)];
  FILE* file = fopen(words[2], "rb");
  CHECK(file && fscanf(file, "P6 40 30 255") == 0 && fgetc(file) == '\n');
  CHECK(fread(packed, 1, sizeof packed, file) == sizeof packed);
  fclose(file);
  memset(padded, 255, sizeof padded);
  for (int y = 0; y < height; ++y) memcpy(padded + y * (width * 3 + gap), packed + y * width * 3, width * 3);

  for (size_t i = 0; i < sizeof packed; ++i) backwards[i] = packed[i / 3 * 3 + 2 - i % 3];

  pretext_context* context = pretext_make_context(model, 2);
  CHECK(context != NULL);
  const pretext_image images[3] = {{packed, height, width, 3, 0, PRETEXT_UINT8, PRETEXT_RGB},
                                   {padded, height, width, 3, width * 3 + gap, PRETEXT_UINT8, PRETEXT_RGB},
                                   {backwards, height, width, 3, 0, PRETEXT_UINT8, PRETEXT_BGR}};
  float* features = calloc(4 * size, sizeof(float));
  CHECK(features && pretext_embed(context, images, 3, features) == 0);
  CHECK(memcmp(features, features + size, size * sizeof(float)) == 0);
  CHECK(memcmp(features, features + 2 * size, size * sizeof(float)) == 0);
  float sum = 0;
  for (size_t i = 0; i < size; ++i) sum += fabsf(features[i]);
  CHECK(sum > 0);

  pthread_t threads[2];
  struct work works[2];
  for (size_t i = 0; i < 2; ++i) {
    works[i] = (struct work){model, &images[i], features + (2 + i) * size};
    CHECK(pthread_create(&threads[i], NULL, embed, &works[i]) == 0);
  }
  for (size_t i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  for (size_t i = 2; i < 4; ++i)
    for (size_t j = 0; j < size; ++j) CHECK(fabsf(features[i * size + j] - features[j]) < 1e-4f * (1 + fabsf(features[j])));

  pretext_image wrong = images[0];
  wrong.channels = 4;
  CHECK(pretext_embed(context, &wrong, 1, features) == -1 && fails_with("4 channels"));
  wrong = images[0];
  wrong.stride = 100;
  CHECK(pretext_embed(context, &wrong, 1, features) == -1 && fails_with("a stride of 100 bytes, and a row has 120"));
  wrong = images[0];
  wrong.type = 7;
  CHECK(pretext_embed(context, &wrong, 1, features) == -1 && fails_with("the type 7"));
  wrong = images[0];
  wrong.order = 2;
  CHECK(pretext_embed(context, &wrong, 1, features) == -1 && fails_with("the order 2"));
  wrong = images[0];
  wrong.pixels = NULL;
  CHECK(pretext_embed(context, &wrong, 1, features) == -1 && fails_with("is empty"));
  CHECK(pretext_embed(context, images, 1, NULL) == -1 && fails_with("result is NULL"));
  CHECK(pretext_embed(NULL, images, 1, features) == -1 && fails_with("context is NULL"));
  CHECK(pretext_make_context(model, 0) == NULL && fails_with("1 to 1024 threads"));
  CHECK(pretext_embed(context, images, 0, NULL) == 0);

  if (classes == 0) {
    float none[1];
    CHECK(pretext_classify(context, images, 1, none) == -1 && fails_with("no classifier"));
    for (size_t i = 0; i < size; ++i) printf("%.6g\n", (double)features[i]);
  } else {
    float* probabilities = calloc(2 * classes, sizeof(float));
    CHECK(probabilities && pretext_classify(context, images, 2, probabilities) == 0);
    size_t best = 0;
    float total = 0;
    for (size_t i = 0; i < classes; ++i) {
      total += probabilities[i];
      if (probabilities[i] > probabilities[best]) best = i;
    }
    CHECK(fabsf(total - 1) < 1e-5f && pretext_class_name(model, best) != NULL);
    printf("%s %.3f\n", pretext_class_name(model, best), (double)probabilities[best]);
    free(probabilities);
  }
  free(features);
  pretext_free_context(context);
  pretext_free_context(NULL);
  pretext_free_model(model);
  pretext_free_model(NULL);
  return 0;
}
