namespace VK_LEVEL {

template <class T>
static void column_moments(size_t rows, size_t n, const T *__restrict x, const T *__restrict center,
                           double *__restrict sums) {
  for (size_t r = 0; r < rows; r++, x += n) {
    if (center) {
      for (size_t c = 0; c < n; c++) {
        double d = (double)x[c] - (double)center[c];
        sums[c] += d * d;
      }
    } else {
      for (size_t c = 0; c < n; c++) sums[c] += (double)x[c];
    }
  }
}

template <class T>
static void normalize(size_t rows, size_t n, const T *__restrict x, const T *__restrict center,
                      const T *__restrict scale, const T *__restrict shift, T *__restrict y) {
  for (size_t r = 0; r < rows; r++, x += n, y += n)
    for (size_t c = 0; c < n; c++) y[c] = (x[c] - center[c]) * scale[c] + shift[c];
}

template <class T>
static void normalization_sums(size_t rows, size_t n, const T *__restrict g, const T *__restrict x,
                               const T *__restrict center, double *__restrict sums, double *__restrict products) {
  for (size_t r = 0; r < rows; r++, g += n, x += n)
    for (size_t c = 0; c < n; c++) {
      sums[c] += (double)g[c];
      products[c] += (double)g[c] * ((double)x[c] - (double)center[c]);
    }
}

template <class T>
static void normalization_gradient(size_t rows, size_t n, const T *__restrict g, const T *__restrict x,
                                   const T *__restrict center, const T *__restrict a, const T *__restrict b,
                                   const T *__restrict d, T *__restrict gx) {
  for (size_t r = 0; r < rows; r++, g += n, x += n, gx += n)
    for (size_t c = 0; c < n; c++) gx[c] = a[c] * g[c] + (b[c] * (x[c] - center[c]) + d[c]);
}

}  // namespace VK_LEVEL
