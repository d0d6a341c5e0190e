import Diagnostics

/// The posteriors of a whole data set: diagonal Gaussians q(z|xₙ) = N(μₙ, diag σ²ₙ), n = 1 … N.
///
/// Deterministic codes, each latent one of V values, are posteriors without variance (``codebookSize``). Their entropies
/// and information follow by counting. Measurements that need densities see them with a noise of standard deviation 1e-4
/// (``pointLogVariance``): as long as different values are further apart, it takes no information away.
///
/// All values are finite; log-variances lie within ±150, and the means so that their squares fit single precision.
public struct PosteriorTable: Sendable, Equatable {
  /// The number of data points, N.
  public let count: Int
  /// The number of latents, D.
  public let latents: Int
  /// μ, `[N, D]` in row-major order.
  public let means: [Float]
  /// log σ², `[N, D]` in row-major order.
  public let logVariances: [Float]

  /// V, the number of values that each latent can take, where ``means`` are deterministic codes; nil for Gaussians.
  public let codebookSize: Int?

  /// The log-variance that stands for none: σ = 1e-4.
  public static let pointLogVariance: Float = -18.420681
  /// The largest magnitude of a log-variance: beyond it 1/σ and its square do not fit single precision together.
  public static let largestLogVariance: Float = 150
  /// The largest magnitude of a mean or a sample.
  public static let largestMean: Float = 1e15

  /// Checks and takes arrays in single precision.
  ///
  /// - Parameters:
  ///   - means: μ, `[N, D]`.
  ///   - logVariances: log σ², `[N, D]`.
  ///   - latents: D.
  ///   - codebookSize: V, at least 2, if the means are deterministic codes.
  ///   - location: the file or run that the arrays come from, for messages.
  /// - Throws: `StructuredError` when the arrays are empty or disagree in shape, or a value is not finite or out of
  ///   range; it names the first such value's row and column.
  public init(
    means: [Float], logVariances: [Float], latents: Int, codebookSize: Int? = nil, location: String? = nil
  ) throws {
    guard latents >= 1, !means.isEmpty else {
      throw StructuredError(
        "the posterior is empty", at: location, expected: "at least one data point and one latent")
    }
    guard means.count % latents == 0, means.count == logVariances.count else {
      throw StructuredError(
        "\(means.count) means and \(logVariances.count) log-variances do not form arrays of one shape", at: location,
        expected: "two arrays [N, \(latents)]")
    }
    try Self.check(means, "mean", columns: latents, limit: Self.largestMean, location: location)
    try Self.check(logVariances, "log_variance", columns: latents, limit: Self.largestLogVariance, location: location)
    if let size = codebookSize {
      let most = (0..<latents).map { Set(stride(from: $0, to: means.count, by: latents).map { means[$0] }).count }.max()
      guard size >= 2, let most, most <= size else {
        throw StructuredError(
          "a latent takes \(most ?? 0) different values, and the codebook has \(size)", at: location,
          expected: "at least 2 values in the codebook, and codes among them")
      }
    }
    count = means.count / latents
    self.latents = latents
    self.means = means
    self.logVariances = logVariances
    self.codebookSize = codebookSize
  }

  /// Checks and takes arrays in double precision, which are rounded to single precision.
  ///
  /// - Throws: as ``init(means:logVariances:latents:codebookSize:location:)``.
  public init(
    means: [Double], logVariances: [Double], latents: Int, codebookSize: Int? = nil, location: String? = nil
  ) throws {
    try self.init(
      means: means.map { Float($0) }, logVariances: logVariances.map { Float($0) }, latents: latents,
      codebookSize: codebookSize, location: location)
  }

  /// The same posteriors of some latents alone.
  func columns(_ latents: [Int]) -> PosteriorTable {
    func chosen(_ values: [Float]) -> [Float] {
      (0..<count).flatMap { n in latents.map { values[n * self.latents + $0] } }
    }
    return PosteriorTable(checked: chosen(means), chosen(logVariances), latents: latents.count, codebookSize)
  }

  /// The posteriors of some data points, in the order asked for.
  public func rows(_ indices: [Int]) -> PosteriorTable {
    func chosen(_ values: [Float]) -> [Float] { indices.flatMap { values[$0 * latents..<($0 + 1) * latents] } }
    return PosteriorTable(checked: chosen(means), chosen(logVariances), latents: latents, codebookSize)
  }

  private init(checked means: [Float], _ logVariances: [Float], latents: Int, _ codebookSize: Int?) {
    count = means.count / latents
    self.latents = latents
    self.means = means
    self.logVariances = logVariances
    self.codebookSize = codebookSize
  }

  /// Throws at the first value that is not finite or too large.
  static func check(_ values: [Float], _ name: String, columns: Int, limit: Float, location: String?) throws {
    guard let bad = values.firstIndex(where: { !($0.magnitude <= limit) }) else { return }
    let value = values[bad]
    throw StructuredError(
      value.isFinite
        ? "\(name)[\(bad / columns), \(bad % columns)] is \(value), too large to compute with"
        : "\(name)[\(bad / columns), \(bad % columns)] is \(value)",
      at: location, expected: "finite values of magnitude at most \(limit)",
      action: "Indices count from 0. Check that training did not diverge, and that the array is \(name).")
  }
}
