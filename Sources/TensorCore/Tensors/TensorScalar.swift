import COpenBLAS
import CVectorKernels

/// A function of one value, element by element.
public enum UnaryFunction: Int, Sendable, CaseIterable {
  case negate, exp, log, sqrt, square, abs, relu, tanh, sigmoid, softplus, sign, reciprocal

  var code: vk_unary_op {
    switch self {
    case .negate: VK_NEGATE
    case .exp: VK_EXP
    case .log: VK_LOG
    case .sqrt: VK_SQRT
    case .square: VK_SQUARE
    case .abs: VK_ABS
    case .relu: VK_RELU
    case .tanh: VK_TANH
    case .sigmoid: VK_SIGMOID
    case .softplus: VK_SOFTPLUS
    case .sign: VK_SIGN
    case .reciprocal: VK_RECIPROCAL
    }
  }
}

/// A function of two values, element by element. `gate` is the first value where the second is positive, and 0
/// elsewhere.
public enum BinaryFunction: Int, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, gate

  var code: vk_binary_op {
    switch self {
    case .add: VK_ADD
    case .subtract: VK_SUBTRACT
    case .multiply: VK_MULTIPLY
    case .divide: VK_DIVIDE
    case .maximum: VK_MAXIMUM
    case .gate: VK_GATE
    }
  }
}

/// An activation after a linear map. Its derivative is a function of its value, so no pullback has to keep its input.
public enum Activation: Sendable, Hashable {
  /// y = x.
  case identity
  /// y = max(x, 0).
  case relu
  /// y = tanh x.
  case tanh
  /// y = x for x > 0, else slope·x, with 0 < slope < 1.
  case leakyReLU(slope: Float)

  var code: Int32 {
    switch self {
    case .identity: Int32(VK_ACTIVATION_IDENTITY.rawValue)
    case .relu: Int32(VK_ACTIVATION_RELU.rawValue)
    case .tanh: Int32(VK_ACTIVATION_TANH.rawValue)
    case .leakyReLU: Int32(VK_ACTIVATION_LEAKY_RELU.rawValue)
    }
  }

  var slope: Float { if case .leakyReLU(let slope) = self { slope } else { 0 } }
}

/// The element type of tensors: `Float` for training, `Double` for gradient checks and reference values.
///
/// The requirements are the kernels on contiguous memory; all other operations are generic.
public protocol TensorScalar: BinaryFloatingPoint, Sendable {
  /// Element-wise y = f(x).
  static func apply(
    _ f: UnaryFunction, _ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>)
  /// Element-wise y = f(a, b); a stride is 1, or 0 for a single value.
  static func apply(
    _ f: BinaryFunction, _ level: VectorLevel, _ n: Int, _ a: UnsafePointer<Self>, _ strideA: Int,
    _ b: UnsafePointer<Self>, _ strideB: Int, _ y: UnsafeMutablePointer<Self>)
  /// y = scale·x + shift.
  static func affine(
    _ level: VectorLevel, _ n: Int, _ scale: Self, _ shift: Self, _ x: UnsafePointer<Self>,
    _ y: UnsafeMutablePointer<Self>)
  /// Σ x, in double precision.
  static func sum(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Self>) -> Double
  /// log Σ eˣ.
  static func logSumExp(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Self>) -> Double
  /// y ← activation(y + bias) on rows of n.
  static func activate(
    _ level: VectorLevel, _ activation: Activation, _ rows: Int, _ n: Int, _ bias: UnsafePointer<Self>?,
    _ y: UnsafeMutablePointer<Self>)
  /// gx = gy·activation′, with the derivative computed from the value y.
  static func activationGradient(
    _ level: VectorLevel, _ activation: Activation, _ n: Int, _ y: UnsafePointer<Self>, _ gy: UnsafePointer<Self>,
    _ gx: UnsafeMutablePointer<Self>)
  /// C = op(A)·op(B) + beta·C, row-major, on one thread.
  static func matrixProduct(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Self>, _ lda: Int,
    _ b: UnsafePointer<Self>, _ ldb: Int, _ beta: Self, _ c: UnsafeMutablePointer<Self>, _ ldc: Int)
  /// C = op(A)·op(B), or C += …, as ``matrixProduct``, for the shapes of layers: one operand is a batch.
  static func layerProduct(
    _ level: VectorLevel, _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafePointer<Self>, _ ldb: Int, _ accumulate: Bool,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int)
  /// A convolution, or a transposed one, with bias and activation, of a batch; see ``ConvolutionLayer``.
  static func convolve(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Self>, _ weights: UnsafePointer<Self>,
    _ bias: UnsafePointer<Self>, _ output: UnsafeMutablePointer<Self>, on device: Device)
  /// The pullback of a convolution: adds to the weight and bias gradients; overwrites the input gradient unless nil.
  static func convolutionGradients(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Self>, _ weights: UnsafePointer<Self>,
    output: UnsafePointer<Self>, outputGradient: UnsafePointer<Self>, weightGradient: UnsafeMutablePointer<Self>,
    biasGradient: UnsafeMutablePointer<Self>, inputGradient: UnsafeMutablePointer<Self>?, on device: Device)
  /// log N(z_id; m_jd, e^{v_jd}) for one dimension d, all i < rows and j < columns; see ``pairwiseGaussian(_:_:_:)``.
  static func pairwiseGaussian(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Self>, _ mean: UnsafePointer<Self>,
    _ logVariance: UnsafePointer<Self>, _ out: UnsafeMutablePointer<Self>, _ outStride: Int)
  /// The pullback of ``pairwiseGaussian(_:_:_:_:_:_:_:_:)``: overwrites gz, gMean and gLogVariance.
  static func pairwiseGaussianGradient(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Self>, _ mean: UnsafePointer<Self>,
    _ logVariance: UnsafePointer<Self>, _ gradient: UnsafePointer<Self>, _ gradientStride: Int,
    _ gz: UnsafeMutablePointer<Self>, _ gMean: UnsafeMutablePointer<Self>, _ gLogVariance: UnsafeMutablePointer<Self>)
}

// The protocol documents its requirements.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Float: TensorScalar {
  public static func apply(
    _ f: UnaryFunction, _ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) { vk_unary_f32(level.code, f.code, n, x, y) }

  public static func apply(
    _ f: BinaryFunction, _ level: VectorLevel, _ n: Int, _ a: UnsafePointer<Float>, _ strideA: Int,
    _ b: UnsafePointer<Float>, _ strideB: Int, _ y: UnsafeMutablePointer<Float>
  ) { vk_binary_f32(level.code, f.code, n, a, Int32(strideA), b, Int32(strideB), y) }

  public static func affine(
    _ level: VectorLevel, _ n: Int, _ scale: Float, _ shift: Float, _ x: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
  ) { vk_affine_f32(level.code, n, scale, shift, x, y) }

  public static func sum(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Float>) -> Double {
    vk_sum_f32(level.code, n, x)
  }

  public static func logSumExp(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Float>) -> Double {
    vk_log_sum_exp_f32(level.code, n, x)
  }

  public static func activate(
    _ level: VectorLevel, _ activation: Activation, _ rows: Int, _ n: Int, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>
  ) { vk_activate_f32(level.code, activation.code, activation.slope, rows, n, bias, y) }

  public static func activationGradient(
    _ level: VectorLevel, _ activation: Activation, _ n: Int, _ y: UnsafePointer<Float>, _ gy: UnsafePointer<Float>,
    _ gx: UnsafeMutablePointer<Float>
  ) { vk_activation_gradient_f32(level.code, activation.code, activation.slope, n, y, gy, gx) }

  public static func matrixProduct(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, blasint(m),
      blasint(n), blasint(k), 1, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  public static func layerProduct(
    _ level: VectorLevel, _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int, _ accumulate: Bool,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    if transposeA && transposeB {
      return matrixProduct(true, true, m, n, k, a, lda, b, ldb, accumulate ? 1 : 0, c, ldc)
    }
    // The kernel packs its second operand. With B transposed, B is the weights and A the batch, so that the product is
    // taken as Cᵀ = B·Aᵀ.
    var shape =
      transposeB
      ? vk_product(
        m: n, n: m, k: k, a_row: ldb, a_step: 1, b_row: 1, b_step: lda, c_row: 1, c_step: ldc, accumulate: 0)
      : vk_product(
        m: m, n: n, k: k, a_row: transposeA ? 1 : lda, a_step: transposeA ? lda : 1, b_row: ldb, b_step: 1, c_row: ldc,
        c_step: 1, accumulate: 0)
    shape.accumulate = accumulate ? 1 : 0
    vk_product_f32(level.code, &shape, transposeB ? b : a, transposeB ? a : b, c)
  }

  public static func pairwiseGaussian(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Float>, _ mean: UnsafePointer<Float>,
    _ logVariance: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) { vk_pairwise_gaussian_f32(level.code, rows, columns, z, mean, logVariance, out, outStride) }

  public static func pairwiseGaussianGradient(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Float>, _ mean: UnsafePointer<Float>,
    _ logVariance: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ gradientStride: Int,
    _ gz: UnsafeMutablePointer<Float>, _ gMean: UnsafeMutablePointer<Float>, _ gLogVariance: UnsafeMutablePointer<Float>
  ) {
    vk_pairwise_gaussian_gradient_f32(
      level.code, rows, columns, z, mean, logVariance, gradient, gradientStride, gz, gMean, gLogVariance)
  }
}

// The protocol documents its requirements.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Double: TensorScalar {
  public static func apply(
    _ f: UnaryFunction, _ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>
  ) { vk_unary_f64(level.code, f.code, n, x, y) }

  public static func apply(
    _ f: BinaryFunction, _ level: VectorLevel, _ n: Int, _ a: UnsafePointer<Double>, _ strideA: Int,
    _ b: UnsafePointer<Double>, _ strideB: Int, _ y: UnsafeMutablePointer<Double>
  ) { vk_binary_f64(level.code, f.code, n, a, Int32(strideA), b, Int32(strideB), y) }

  public static func affine(
    _ level: VectorLevel, _ n: Int, _ scale: Double, _ shift: Double, _ x: UnsafePointer<Double>,
    _ y: UnsafeMutablePointer<Double>
  ) { vk_affine_f64(level.code, n, scale, shift, x, y) }

  public static func sum(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Double>) -> Double {
    vk_sum_f64(level.code, n, x)
  }

  public static func logSumExp(_ level: VectorLevel, _ n: Int, _ x: UnsafePointer<Double>) -> Double {
    vk_log_sum_exp_f64(level.code, n, x)
  }

  public static func activate(
    _ level: VectorLevel, _ activation: Activation, _ rows: Int, _ n: Int, _ bias: UnsafePointer<Double>?,
    _ y: UnsafeMutablePointer<Double>
  ) { vk_activate_f64(level.code, activation.code, Double(activation.slope), rows, n, bias, y) }

  public static func activationGradient(
    _ level: VectorLevel, _ activation: Activation, _ n: Int, _ y: UnsafePointer<Double>, _ gy: UnsafePointer<Double>,
    _ gx: UnsafeMutablePointer<Double>
  ) { vk_activation_gradient_f64(level.code, activation.code, Double(activation.slope), n, y, gy, gx) }

  public static func matrixProduct(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Double>, _ lda: Int,
    _ b: UnsafePointer<Double>, _ ldb: Int, _ beta: Double, _ c: UnsafeMutablePointer<Double>, _ ldc: Int
  ) {
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, blasint(m),
      blasint(n), blasint(k), 1, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  public static func layerProduct(
    _ level: VectorLevel, _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafePointer<Double>, _ ldb: Int, _ accumulate: Bool,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int
  ) { matrixProduct(transposeA, transposeB, m, n, k, a, lda, b, ldb, accumulate ? 1 : 0, c, ldc) }

  public static func pairwiseGaussian(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Double>, _ mean: UnsafePointer<Double>,
    _ logVariance: UnsafePointer<Double>, _ out: UnsafeMutablePointer<Double>, _ outStride: Int
  ) { vk_pairwise_gaussian_f64(level.code, rows, columns, z, mean, logVariance, out, outStride) }

  public static func pairwiseGaussianGradient(
    _ level: VectorLevel, _ rows: Int, _ columns: Int, _ z: UnsafePointer<Double>, _ mean: UnsafePointer<Double>,
    _ logVariance: UnsafePointer<Double>, _ gradient: UnsafePointer<Double>, _ gradientStride: Int,
    _ gz: UnsafeMutablePointer<Double>, _ gMean: UnsafeMutablePointer<Double>,
    _ gLogVariance: UnsafeMutablePointer<Double>
  ) {
    vk_pairwise_gaussian_gradient_f64(
      level.code, rows, columns, z, mean, logVariance, gradient, gradientStride, gz, gMean, gLogVariance)
  }
}
