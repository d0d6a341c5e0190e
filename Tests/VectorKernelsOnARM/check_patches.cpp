// vk_patches.h.
#include "checks.hpp"

namespace {

/// The patches of a square kernel in an image without padding.
struct Image {
  int channels, kernel, stride;
  ptrdiff_t columns, row;  // patches along an axis; floats of a row
  std::vector<int32_t> offsets;

  /// `count` patches, a few in each row.
  Image(int count, int channels, int kernel, int stride)
      : channels(channels), kernel(kernel), stride(stride), columns(5), row((4 * stride + kernel) * channels + 3) {
    for (int i = 0; i < count; i++)
      offsets.push_back((int32_t)(i / columns * stride * row + i % columns * stride * channels));
  }
  vk_patches patches() const {
    return {(ptrdiff_t)offsets.size(), offsets.data(), kernel, (ptrdiff_t)kernel * channels, row};
  }
  size_t floats() const {
    return offsets.empty() ? 0 : (size_t)(offsets.back() + kernel * row + 4 * stride * channels);
  }
  /// Where float r of patch i is.
  size_t at(size_t i, ptrdiff_t r) const {
    const ptrdiff_t run = kernel * channels;
    return (size_t)(offsets[i] + r / run * row + r % run);
  }
};

const int counts[] = {0, 1, 2, 3, 4, 7, 8, 9, 15, 17};
const ptrdiff_t column_counts[] = {1, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 20, 24, 25, 31, 32, 33, 40, 47, 48, 49, 56, 65};

void check_products(int level) {
  Check check("vk_pack_f32, vk_patch_product_f32", level);
  Random random(107);
  for (ptrdiff_t columns : column_counts)
    for (int count : counts)
      for (bool transposed : {false, true}) {
        check.size("count = %d, columns = %td, transposed %d", count, columns, transposed);
        const Image image(count, 3, 1 + count % 3, 2);
        const vk_patches patches = image.patches();
        const ptrdiff_t rows = patches.rows * patches.run, step = transposed ? rows + 1 : 1;
        Zone<float> in(image.floats(), random, -1, 1), w((size_t)(columns * (rows + 1)), random, -1, 1);
        std::vector<int32_t> from, to;
        // Rows in reverse order: offsets are free.
        for (ptrdiff_t r = 0; r < rows; r++) from.push_back((int32_t)((rows - 1 - r) * (transposed ? 1 : columns)));
        for (int i = 0; i < count; i++) to.push_back((int32_t)(i * (columns + 2)));
        const ptrdiff_t packed_count = vk_packed_count(level, rows, columns), width = (ptrdiff_t)level_width(level);
        check.truth(packed_count == rows * ((columns + width - 1) / width * width), packed_count,
                    "columns are not padded to whole vectors");
        Zone<float> packed((size_t)packed_count), out((size_t)(count * (columns + 2)));
        Expected anything(packed.count), expected(out.count);
        for (size_t i = 0; i < packed.count; i++) anything.leave(i);
        for (size_t i = 0; i < (size_t)count; i++)
          for (ptrdiff_t c = 0; c < columns; c++)
            for (ptrdiff_t r = 0; r < rows; r++)
              expected.add((size_t)to[i] + (size_t)c, double(in[image.at(i, r)]) * w[from[(size_t)r] + c * step]);
        vk_pack_f32(level, rows, columns, rows / 2, rows, from.data(), step, w, packed);
        vk_pack_f32(level, rows, columns, 0, rows / 2, from.data(), step, w, packed);
        vk_patch_product_f32(level, &patches, columns, in, packed, to.data(), out);
        check.array(packed, anything, 0, "packed");
        check.array(out, expected, sum_tolerance<float>((size_t)rows));
      }
}

void check_gradients(int level) {
  Check check("vk_patch_gradient_f32", level);
  Random random(109);
  for (ptrdiff_t columns : column_counts)
    for (int count : {0, 1, 2, 9, 64, 131}) {
      check.size("count = %d, columns = %td", count, columns);
      const Image image(count, 1 + count % 4, 1 + count % 3, 1);
      const vk_patches patches = image.patches();
      const ptrdiff_t rows = patches.rows * patches.run, step = (columns + 15) / 16 * 16 + (columns % 2 ? 16 : 0);
      // The guard zone behind d is what is read after the last row.
      Zone<float> in(image.floats(), random, -1, 1), d((size_t)(count * columns), random, -1, 1);
      Zone<float> gradient((size_t)(rows * step), random, -1, 1);
      Expected expected(gradient.count);
      for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < step; c++) {
          const size_t at = (size_t)(r * step + c);
          if (c >= columns) {
            expected.leave(at);
            continue;
          }
          expected.set(at, gradient[at]);
          for (size_t i = 0; i < (size_t)count; i++)
            expected.add(at, double(in[image.at(i, r)]) * d[(ptrdiff_t)i * columns + c]);
        }
      vk_patch_gradient_f32(level, &patches, columns, step, in, d, gradient);
      check.array(gradient, expected, sum_tolerance<float>((size_t)count));
    }
}

void check_additions(int level) {
  Check check("vk_add_patches_f32", level);
  Random random(113);
  // Runs of 3, 4, 5, 9, 12 and 15 floats have copies of their own; 2, 6 and 20 have not.
  const int kinds[][2] = {{3, 1}, {4, 1}, {5, 1}, {3, 3}, {4, 3}, {5, 3}, {2, 1}, {2, 3}, {5, 4}};  // kernel, channels
  for (const auto &[kernel, channels] : kinds)
    for (int stride : {1, 2, 3})
      for (int count : counts) {
        check.size("count = %d, kernel %d, %d channels, stride %d", count, kernel, channels, stride);
        const Image image(count, channels, kernel, stride);
        const vk_patches patches = image.patches();
        const ptrdiff_t floats = patches.rows * patches.run, step = floats + 5;
        Zone<float> products((size_t)(count * step), random, -1, 1), out(image.floats(), random, -1, 1);
        Expected expected(out.count);
        for (size_t i = 0; i < out.count; i++) expected.set(i, out[i]);
        for (size_t i = 0; i < (size_t)count; i++)
          for (ptrdiff_t r = 0; r < floats; r++) expected.add(image.at(i, r), products[(ptrdiff_t)i * step + r]);
        vk_add_patches_f32(level, &patches, (kernel + stride - 1) / stride, products, step, out);
        check.array(out, expected, sum_tolerance<float>((size_t)(kernel * kernel)));
      }
}

void check_column_sums(int level) {
  Check check("vk_column_sums_f32", level);
  Random random(127);
  for (size_t columns : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33})
    for (size_t rows : lengths(level)) {
      check.size("rows = %zu, columns = %zu", rows, columns);
      Zone<float> x(rows * columns, random, -1, 1), sums(columns, random, -1, 1);
      Expected expected(columns);
      for (size_t c = 0; c < columns; c++) expected.set(c, sums[c]);
      for (size_t i = 0; i < x.count; i++) expected.add(i % columns, x[i]);
      vk_column_sums_f32(level, (ptrdiff_t)rows, (ptrdiff_t)columns, x, sums);
      check.array(sums, expected, sum_tolerance<float>(rows));
    }
}

}  // namespace

void check_patches(int level) {
  check_products(level);
  check_gradients(level);
  check_additions(level);
  check_column_sums(level);
}
