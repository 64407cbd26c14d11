/* Trained encoders and classifiers for programs in C and for whatever calls C: libpretext_encoder.so.
 *
 * A model is constant after it was loaded: any number of threads may use it at the same time, each through a
 * context of its own. A context is for one thread at a time. Free the contexts before their model.
 *
 * A function that fails returns NULL or -1, and pretext_error() says why in one sentence, for the thread that
 * called. No exception leaves the library, and it prints nothing. */
#ifndef PRETEXT_ENCODER_H
#define PRETEXT_ENCODER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PRETEXT_API __attribute__((visibility("default")))
#else
#define PRETEXT_API
#endif

/* The number of this interface; it changes when a program must be compiled again. */
#define PRETEXT_ENCODER_INTERFACE 1
PRETEXT_API int pretext_interface(void);

typedef struct pretext_model pretext_model;
typedef struct pretext_context pretext_context;

/* The type of samples. Floats are in [0, 1]. */
enum { PRETEXT_UINT8 = 0, PRETEXT_UINT16 = 1, PRETEXT_FLOAT32 = 2 };

/* The order of channels: as the model was trained, or backwards, as OpenCV stores pictures. */
enum { PRETEXT_RGB = 0, PRETEXT_BGR = 1 };

/* An image in the caller's memory, which is read in place, channels last: three channels, one (gray), or as
 * many as the model takes. */
typedef struct pretext_image {
  const void* pixels;
  size_t height, width, channels;
  size_t stride; /* bytes from one row to the next; 0: rows follow one another without a gap */
  int type;      /* PRETEXT_UINT8, PRETEXT_UINT16 or PRETEXT_FLOAT32 */
  int order;     /* PRETEXT_RGB or PRETEXT_BGR */
} pretext_image;

/* Why the calling thread's last call failed; "" before the first failure. Valid until its next failure. */
PRETEXT_API const char* pretext_error(void);

/* Reads encoder.safetensors or classifier.safetensors that a program of pretext wrote, with its
 * preprocessing. NULL if the file cannot be read or holds another encoder than those that this library was
 * compiled for. */
PRETEXT_API pretext_model* pretext_load(const char* path);
PRETEXT_API void pretext_free_model(pretext_model* model); /* of NULL: nothing */

/* D: the values of the feature of one image. */
PRETEXT_API size_t pretext_feature_size(const pretext_model* model);
/* The channels of the images; a model of 3 takes gray images, too. */
PRETEXT_API size_t pretext_channels(const pretext_model* model);
/* The classes of a classifier; 0 for an encoder alone. */
PRETEXT_API size_t pretext_class_count(const pretext_model* model);
/* The name of a class in UTF-8, valid as long as the model; NULL beyond the last class. */
PRETEXT_API const char* pretext_class_name(const pretext_model* model, size_t index);

/* Memory and `threads` threads for the calls of one thread at a time; NULL if there is too little memory. */
PRETEXT_API pretext_context* pretext_make_context(const pretext_model* model, size_t threads);
PRETEXT_API void pretext_free_context(pretext_context* context); /* of NULL: nothing */

/* Writes the features of `count` images of any size: (count, D) row by row. 0, or -1 if it failed. */
PRETEXT_API int pretext_embed(pretext_context* context, const pretext_image* images, size_t count,
                              float* features);
/* Writes the probabilities of the classes: (count, classes) row by row. 0, or -1 if it failed. */
PRETEXT_API int pretext_classify(pretext_context* context, const pretext_image* images, size_t count,
                                 float* probabilities);

#ifdef __cplusplus
}
#endif

#endif
