import DisentanglementMetrics
import FileFormats
import TestSupport

/// The reference values of one golden set, `metrics`, and the codes they were computed from.
struct GoldenMetrics {
  static let representations = ["disentangled", "rotated", "mixed", "mixed_const"]

  /// The 10,000 codes and factors of a representation.
  let codes: LabeledCodes
  /// What disentanglement_lib says about them.
  let scores: HDF5File
  /// Factors, codes and stored batches of all representations.
  let inputs: HDF5File

  init(_ representation: String) throws {
    let inputs = try HDF5File(reading: Golden.path("metrics/inputs.h5"))
    self.inputs = inputs
    scores = try HDF5File(reading: Golden.path("metrics/scores_\(representation).h5"))
    let isConstant = representation == "mixed_const"
    var values = try inputs.read("mus/\(isConstant ? "mixed" : representation)", as: Float.self).values
    if isConstant { for row in 0..<10_000 { values[row * 10 + 9] = 0 } }
    codes = try LabeledCodes(
      codes: values, latents: 10, factors: inputs.read("factors", as: Int.self).values.map { Int32($0) },
      names: ["shape", "scale", "orientation", "position x", "position y"],
      sizes: inputs.read("factor_sizes", as: Int.self).values, categorical: [true, false, false, false, false])
  }

  /// A reference array.
  func array(_ name: String) throws -> [Double] { try scores.read(name, as: Double.self).values }
  /// A reference number.
  func scalar(_ name: String) throws -> Double { try array(name)[0] }

  /// Stored batches: `kind` is `factor_vae` or `beta_vae`.
  func batches(_ kind: String, _ rows: String, partners: String? = nil) throws -> StoredBatches {
    func split(_ name: String) throws -> [[Int]] {
      let (values, shape) = try inputs.read("\(kind)/\(name)", as: Int.self)
      return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
    }
    return try StoredBatches(
      factors: inputs.read("\(kind)/factor_index", as: Int.self).values, rows: split(rows),
      partners: partners.map(split))
  }
}
