#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/tile.hpp>

namespace pretext::kernels {
namespace detail {

/// One kernel tap as a gather sees it: which pixel it reads, seen from the pixel it writes, and which
/// weights.
struct tap {
  std::ptrdiff_t down, right;
  std::size_t weights;
};

/// Images whose pixels (a·step + down, b·step + right) are gathered for every pixel (a, b) of a grid and
/// multiplied by packed weights. Forward is one of these; backward to the data is one for each residue of the
/// stride.
template <class T>
struct gather {
  const T* from;
  std::size_t from_height, from_width, depth;
  T* to;
  std::size_t to_size, columns;                        ///< numbers per result image, channels of the result
  std::size_t height, width;                           ///< the grid
  std::size_t first, row_stride, column_stride, step;  ///< where grid pixels lie in the result, in pixels
  const tap* taps;
  std::size_t tap_count;
  const T* packed;  ///< panels of `panel_step` numbers
  std::size_t panel_step;
  bool accumulate;
};

inline constexpr std::size_t most_taps = 64;
/// Grid pixels that a thread gathers at a time: a multiple of the rows of every register tile.
inline constexpr std::size_t block_rows = 96;
static_assert(block_rows % most_tile_rows == 0);

template <class T>
void run_gather(cpu::stream& stream, const gather<T>& g, std::size_t batch, const T* zeros) {
  // Narrow inputs (a colour image) are copied together: one long tap is quicker than many of three numbers.
  bool narrow = g.depth < 8 && g.tap_count > 1;
  for (std::size_t t = 1; t < g.tap_count; ++t)
    narrow = narrow && g.taps[t].weights == g.taps[t - 1].weights + 1;
  const std::size_t rows = batch * g.height * g.width, pixels = g.height * g.width;
  const std::size_t height = tile_rows(), width = panel_width<T>();
  // Pixels whose taps all lie inside the image need no question for each of them.
  std::ptrdiff_t offset[most_taps], highest = 0, lowest = 0, leftmost = 0, rightmost = 0;
  for (std::size_t t = 0; t < g.tap_count; ++t) {
    offset[t] = (g.taps[t].down * static_cast<std::ptrdiff_t>(g.from_width) + g.taps[t].right) *
                static_cast<std::ptrdiff_t>(g.depth);
    highest = std::min(highest, g.taps[t].down);
    lowest = std::max(lowest, g.taps[t].down);
    leftmost = std::min(leftmost, g.taps[t].right);
    rightmost = std::max(rightmost, g.taps[t].right);
  }
  const auto image_height = static_cast<std::ptrdiff_t>(g.from_height);
  const auto image_width = static_cast<std::ptrdiff_t>(g.from_width);
  stream.for_each_run(rows, block_rows, [&](std::size_t first, std::size_t last) {
    static thread_local const T* pixel[block_rows * most_taps];
    static thread_local T together[block_rows * most_taps * 8];
    T* result[block_rows];
    std::size_t sample = first / pixels, a = first % pixels / g.width, b = first % g.width;
    for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
      const T** pointers = pixel + tile * g.tap_count * height;
      for (std::size_t r = 0; r < height; ++r) {
        result[tile * height + r] =
            g.to + sample * g.to_size + (g.first + a * g.row_stride + b * g.column_stride) * g.columns;
        const T* source = g.from + sample * g.from_height * g.from_width * g.depth;
        const auto top = static_cast<std::ptrdiff_t>(a * g.step),
                   left = static_cast<std::ptrdiff_t>(b * g.step);
        if (top + highest >= 0 && top + lowest < image_height && left + leftmost >= 0 &&
            left + rightmost < image_width) {
          const T* centre = source + (top * image_width + left) * static_cast<std::ptrdiff_t>(g.depth);
          for (std::size_t t = 0; t < g.tap_count; ++t) pointers[t * height + r] = centre + offset[t];
        } else {
          for (std::size_t t = 0; t < g.tap_count; ++t) {
            const auto y =
                static_cast<std::size_t>(top + g.taps[t].down);  // outside either side is too large
            const auto x = static_cast<std::size_t>(left + g.taps[t].right);
            const bool inside = y < g.from_height && x < g.from_width;
            pointers[t * height + r] = inside ? source + (y * g.from_width + x) * g.depth : zeros;
          }
        }
        if (narrow) {
          T* row_of = together + (tile * height + r) * g.tap_count * g.depth;
          for (std::size_t t = 0; t < g.tap_count; ++t)
            for (std::size_t k = 0; k < g.depth; ++k) row_of[t * g.depth + k] = pointers[t * height + r][k];
        }
        if (row + r + 1 >= last) continue;  // the last tile is filled up with its last pixel
        if (++b < g.width) continue;
        b = 0;
        if (++a < g.height) continue;
        a = 0;
        ++sample;
      }
    }
    const T* weights[most_taps];
    for (std::size_t panel = 0; panel < panels<T>(g.columns); ++panel) {
      const std::size_t column = panel * width, used = std::min(width, g.columns - column);
      for (std::size_t t = 0; t < g.tap_count; ++t)
        weights[t] = g.packed + panel * g.panel_step + g.taps[t].weights * g.depth * width;
      for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
        T* corner[most_tile_rows];
        for (std::size_t r = 0; r < height; ++r) corner[r] = result[tile * height + r] + column;
        const std::size_t m = std::min(height, last - row);
        if (narrow) {
          const T* long_rows[most_tile_rows];
          for (std::size_t r = 0; r < height; ++r)
            long_rows[r] = together + (tile * height + r) * g.tap_count * g.depth;
          run_tile(gathered_product<T>{long_rows, weights, 1, g.tap_count * g.depth, corner, m, used,
                                       g.accumulate});
        } else {
          run_tile(gathered_product<T>{pixel + tile * g.tap_count * height, weights, g.tap_count, g.depth,
                                       corner, m, used, g.accumulate});
        }
      }
    }
  });
}

}  // namespace detail

template <>
struct convolution<cpu> {
  template <class Place, class T>
  static void forward(Place& place, const convolution_extents& e, std::size_t batch, const T* x, const T* w,
                      T* y) {
    const borrowed guard{place.scratch};
    const std::size_t step = e.taps() * e.in * panel_width<T>();
    T* packed = place.scratch.template take<T>(panels<T>(e.out) * step);
    place.stream.for_each_block(panels<T>(e.out), [&](std::size_t panel) {
      pack_panels(w, e.taps() * e.in, e.out, e.out, std::size_t{1}, packed, panel, panel + 1, step);
    });
    detail::tap taps[detail::most_taps];
    for (std::size_t t = 0; t < e.taps(); ++t)
      taps[t] = {static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding),
                 static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding), t};
    detail::run_gather<T>(
        place.stream,
        {x, e.height, e.width, e.in, y, e.out_height() * e.out_width() * e.out, e.out, e.out_height(),
         e.out_width(), 0, e.out_width(), 1, e.stride, taps, e.taps(), packed, step, false},
        batch, zeros<T>(place, e.in));
  }

  template <class Place, class T>
  static void backward_data(Place& place, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, into mode) {
    const borrowed guard{place.scratch};
    const std::size_t step = e.taps() * e.out * panel_width<T>();
    T* packed = place.scratch.template take<T>(panels<T>(e.in) * step);
    place.stream.for_each_block(panels<T>(e.in), [&](std::size_t panel) {
      for (std::size_t t = 0; t < e.taps(); ++t)
        pack_panels(w + t * e.in * e.out, e.out, e.in, std::size_t{1}, e.out,
                    packed + t * e.out * panel_width<T>(), panel, panel + 1, step);
    });
    const T* nothing = zeros<T>(place, e.out);
    const auto stride = static_cast<std::ptrdiff_t>(e.stride);
    for (std::size_t row = 0; row < std::min(e.stride, e.height); ++row)
      for (std::size_t column = 0; column < std::min(e.stride, e.width); ++column) {
        detail::tap taps[detail::most_taps];
        std::size_t count = 0;
        for (std::size_t t = 0; t < e.taps(); ++t) {
          const auto down =
              static_cast<std::ptrdiff_t>(row + e.padding) - static_cast<std::ptrdiff_t>(t / e.columns);
          const auto right =
              static_cast<std::ptrdiff_t>(column + e.padding) - static_cast<std::ptrdiff_t>(t % e.columns);
          if (down % stride == 0 && right % stride == 0) taps[count++] = {down / stride, right / stride, t};
        }
        if (count == 0 && mode == into::accumulate) continue;
        detail::run_gather<T>(
            place.stream,
            {dy, e.out_height(), e.out_width(), e.out, dx, e.height * e.width * e.in, e.in,
             (e.height - row + e.stride - 1) / e.stride, (e.width - column + e.stride - 1) / e.stride,
             row * e.width + column, e.stride * e.width, e.stride, 1, taps, count, packed, step,
             mode == into::accumulate},
            batch, nothing);
      }
  }

  template <class Place, class T>
  static void backward_weights(Place& place, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, T* dw) {
    const borrowed guard{place.scratch};
    const T* nothing = zeros<T>(place, e.in);
    // Sums are cut into a number of parts that depends on the extents alone, so that threads cannot change
    // the result.
    const std::size_t pixels = e.out_height() * e.out_width(), channels = std::min<std::size_t>(e.in, 96);
    const std::size_t slices = (e.in + channels - 1) / channels;
    const std::size_t wanted = std::max<std::size_t>(1, 32 / (e.taps() * slices));
    const std::size_t parts = std::min(batch, wanted), images = (batch + parts - 1) / parts;
    // A run of pixels whose slice of x and panel of dy stay in the L1 cache while all tiles read them.
    constexpr std::size_t longest = 256, panel_numbers = longest * widest_panel<T>;
    const std::size_t width = panel_width<T>();
    const std::size_t run =
        std::clamp<std::size_t>((std::size_t{24} << 10) / ((channels + width) * sizeof(T)), 32, longest);
    // Rows of dy are read where they lie unless they are ragged, or so long that they fall on few sets of the
    // cache.
    const bool copies = e.out % width != 0 || e.out * sizeof(T) > 256;
    T* partial = place.scratch.template take<T>(parts * e.weights());
    const std::size_t units = parts * e.taps() * slices;
    const T** gathered = place.scratch.template take<const T*>(units * run);
    // Six rows leave too little of few channels in the last tile; remainders of twelve are long enough.
    const bool ragged = tile_rows() == 6 && channels <= 32 && channels % 4 == 0 && channels % 6 != 0;
    const std::size_t height = ragged ? 4 : tile_rows();

    place.stream.for_each_block(units, [&](std::size_t unit) {
      const std::size_t slice = unit % slices, t = unit / slices % e.taps(), part = unit / slices / e.taps();
      const std::size_t first_channel = slice * channels,
                        last_channel = std::min(e.in, first_channel + channels);
      const T** pixel = gathered + unit * run;
      T* sums = partial + part * e.weights() + t * e.in * e.out;
      const std::size_t begin = part * images * pixels, end = std::min(batch, (part + 1) * images) * pixels;
      if (begin >= end)
        std::fill_n(sums + first_channel * e.out, (last_channel - first_channel) * e.out, T{0});
      for (std::size_t first = begin; first < end; first += run) {
        const std::size_t count = std::min(run, end - first);
        gather_pixels(e, x, first, count, t, nothing, pixel);
        const T* rows = dy + first * e.out;
        alignas(64) T copied[panel_numbers];
        for (std::size_t column = 0; column < e.out; column += width) {
          const std::size_t used = std::min(width, e.out - column);
          const T* panel = rows + column;
          if (copies) {
            pack_panels(panel, count, used, e.out, std::size_t{1}, copied, 0, 1, 0);
            panel = copied;
          }
          for (std::size_t channel = first_channel; channel < last_channel; channel += height)
            run_tile(outer_product<T>{pixel, channel, panel, copies ? width : e.out, count,
                                      sums + channel * e.out + column, e.out,
                                      std::min(height, last_channel - channel), used, first > begin});
        }
      }
    });
    place.stream.for_each_run(e.weights(), 4096, [&](std::size_t first, std::size_t last) {
      for (std::size_t part = 0; part < parts; ++part) {
        const T* sums = partial + part * e.weights();
        for (std::size_t i = first; i < last; ++i) dw[i] += sums[i];
      }
    });
  }

 private:
  template <class T, class Place>
  static const T* zeros(Place& place, std::size_t count) {
    T* data = place.scratch.template take<T>(count);
    std::fill_n(data, count, T{0});
    return data;
  }

  /// Where tap t reads for each of `count` result pixels from `first` on.
  template <class T>
  static void gather_pixels(const convolution_extents& e, const T* x, std::size_t first, std::size_t count,
                            std::size_t t, const T* nothing, const T** pixel) {
    const std::size_t pixels = e.out_height() * e.out_width();
    const auto down = static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    const auto right = static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    std::size_t sample = first / pixels, a = first % pixels / e.out_width(), b = first % e.out_width();
    for (std::size_t done = 0; done < count;) {
      const auto row = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(a * e.stride) + down);
      const bool row_inside = row < e.height;  // a negative place became a huge one
      const T* line = x + (sample * e.height + (row_inside ? row : 0)) * e.width * e.in;
      const std::size_t end = std::min(e.out_width(), b + count - done);
      for (; b < end; ++b, ++done) {
        const auto column = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(b * e.stride) + right);
        pixel[done] = row_inside && column < e.width ? line + column * e.in : nothing;
      }
      if (b < e.out_width()) continue;
      b = 0;
      if (++a < e.out_height()) continue;
      a = 0;
      ++sample;
    }
  }
};

}  // namespace pretext::kernels
