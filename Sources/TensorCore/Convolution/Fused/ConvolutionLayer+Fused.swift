// What the fused kernels ask of a layer. Activations are `[H, W, C]` with channels innermost, weights
// `W[tap][C_high][C_low]` with tap = k_y·K + k_x, for convolutions and transposed ones alike, since each is the other's
// input gradient:
//
//     convolution             low[y, x, n] = f(b[n] + Σ_{tap, c} high[2y + k_y − p, 2x + k_x − p, c] · W[tap][c][n])
//     transposed convolution  high[2y + k_y − p, 2x + k_x − p, n] += low[y, x, c] · W[tap][n][c],  then bias and f

extension ConvolutionLayer {
  /// Whether the kernels support this layer: stride 2, kernel 4 with padding 1 or kernel 2 without, the high side exactly
  /// twice the low side and that at least 2 × 2, channels in multiples of 32 on the low side, no activation but ReLU.
  var hasFusedShape: Bool {
    guard activation == .identity || activation == .relu else { return false }
    let g = geometry
    guard g.stride == 2, (g.kernel == 4 && g.padding == 1) || (g.kernel == 2 && g.padding == 0) else { return false }
    let low = g.low
    guard low.height >= 2, low.width >= 2, g.high.height == 2 * low.height, g.high.width == 2 * low.width else {
      return false
    }
    return low.channels % 32 == 0
  }

  /// Whether the high side is an image of a few channels rather than feature maps in multiples of 32.
  var isImageSide: Bool { geometry.high.channels % 32 != 0 }
}
