import DisentanglementMetrics
import FileFormats
import TensorCore

/// Codes with their factors: an HDF5 or NPZ file of `codes` [N, D] and `factors` [N, K].
struct LabeledCodesFile {
  let codes: LabeledCodes
  let sampledCodes: LabeledCodes?
  let logVariances: [Float]?
  let meanKL: [Double]?
  let factorVAEBatches: StoredBatches?
  let betaVAEBatches: StoredBatches?

  init(reading path: String) throws {
    let file = try openArrayFile(path), present = Set(try file.arrayPaths())
    let (values, shape) = try file.read("codes", as: Float.self)
    let (factors, factorShape) = try file.read("factors", as: Int.self)
    guard shape.count == 2, factorShape.count == 2 else {
      throw StructuredError("codes is \(shape) and factors \(factorShape)", at: path, expected: "two matrices")
    }
    codes = try LabeledCodes(
      codes: values, latents: shape[1], factors: factors.map { Int32(clamping: $0) },
      names: (0..<factorShape[1]).map { "factor \($0)" }, location: path)
    logVariances = present.contains("log_variances") ? try file.read("log_variances", as: Float.self).values : nil
    meanKL = present.contains("mean_kl") ? try file.read("mean_kl", as: Double.self).values : nil
    (sampledCodes, factorVAEBatches, betaVAEBatches) = (nil, nil, nil)
  }
}
