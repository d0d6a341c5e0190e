/// One layer of a ``FusedConvolutionStack``: a convolution or transposed convolution with its bias and activation.
///
/// Activations are `[H, W, C]` with channels innermost. A layer has a side of high resolution `[2h, 2w, C_high]` and one
/// of low resolution `[h, w, C_low]`; a convolution reads the former and writes the latter, a transposed convolution the
/// other way round. Both keep their weights as `W[tap][C_high][C_low]` with tap = k_y·K + k_x, since each is the other's
/// input gradient:
///
///     convolution             low[y, x, n] = f(b[n] + Σ_{tap, c} high[2y + k_y − p, 2x + k_x − p, c] · W[tap][c][n])
///     transposed convolution  high[2y + k_y − p, 2x + k_x − p, n] += low[y, x, c] · W[tap][n][c],  then bias and f
public struct FusedLayer: Sendable, Equatable {
  /// The side K of the square kernel.
  public var kernel: Int
  /// The stride; the fused path knows 2.
  public var stride: Int
  /// The padding p on each side.
  public var padding: Int
  /// Whether this is a transposed convolution.
  public var transposed: Bool
  /// Rows of one input picture.
  public var inputHeight: Int
  /// Columns of one input picture.
  public var inputWidth: Int
  /// Channels of the input.
  public var inputChannels: Int
  /// Channels of the output.
  public var outputChannels: Int
  /// The activation f; the fused path knows `identity` and `relu`.
  public var activation: Activation

  /// Describes a layer; whether the fused path can run it is decided by ``FusedConvolutionStack/init(layers:device:)``.
  public init(
    kernel: Int, stride: Int, padding: Int, transposed: Bool, inputHeight: Int, inputWidth: Int, inputChannels: Int,
    outputChannels: Int, activation: Activation
  ) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.transposed = transposed
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.activation = activation
  }

  /// Rows of one output picture: (H + 2p − K)/s + 1, or (H − 1)·s + K − 2p where transposed.
  public var outputHeight: Int { outputSize(inputHeight) }
  /// Columns of one output picture.
  public var outputWidth: Int { outputSize(inputWidth) }
  /// Floats in the weights, K·K·C_high·C_low.
  public var weightCount: Int { kernel * kernel * inputChannels * outputChannels }
  /// Floats in one input picture.
  public var inputCount: Int { inputHeight * inputWidth * inputChannels }
  /// Floats in one output picture.
  public var outputCount: Int { outputHeight * outputWidth * outputChannels }

  private func outputSize(_ size: Int) -> Int {
    transposed ? (size - 1) * stride + kernel - 2 * padding : (size + 2 * padding - kernel) / stride + 1
  }

  /// Whether the kernels know this layer: stride 2, kernel 4 with padding 1 or kernel 2 without, the high side exactly
  /// twice the low side and that at least 2 × 2, channels in multiples of 32 on the low side.
  var hasFusedShape: Bool {
    guard activation == .identity || activation == .relu else { return false }
    guard stride == 2, (kernel == 4 && padding == 1) || (kernel == 2 && padding == 0) else { return false }
    guard inputChannels > 0, outputChannels > 0, inputHeight > 0, inputWidth > 0 else { return false }
    let low = transposed ? (inputHeight, inputWidth) : (outputHeight, outputWidth)
    let high = transposed ? (outputHeight, outputWidth) : (inputHeight, inputWidth)
    guard low.0 >= 2, low.1 >= 2, high == (2 * low.0, 2 * low.1) else { return false }
    return (transposed ? inputChannels : outputChannels) % 32 == 0
  }

  /// Channels on the side of high resolution.
  var highChannels: Int { transposed ? outputChannels : inputChannels }

  /// Whether the high side is a picture of a few channels rather than feature maps in multiples of 32.
  var isImageSide: Bool { highChannels % 32 != 0 }
}
