import Diagnostics
import TensorCore

/// The values that deterministic codes take: each latent has a list of its own, and its code is the value nearest to what
/// the encoder gives.
public struct Codebook: Sendable, Equatable {
  /// D.
  public let latents: Int
  /// The values of each latent, `[D, V]` in row-major order.
  public let values: [Float]

  /// Takes the values of D latents, V ≥ 2 each.
  public init(_ values: [Float], latents: Int) {
    requireFit(
      latents > 0 && values.count % max(latents, 1) == 0 && values.count >= 2 * latents, "Codebook",
      "\(values.count) values for \(latents) latents, of which each needs the same number, at least 2")
    (self.values, self.latents) = (values, latents)
  }

  /// V.
  public var count: Int { values.count / latents }

  /// The values of a latent, ascending.
  public func sortedValues(of latent: Int) -> [Float] { values[latent * count..<(latent + 1) * count].sorted() }

  /// The number of the nearest value for each element of codes `[B, D]`, the first of several that are equally near.
  public func indices(of codes: [Float]) -> [Int] {
    codes.indices.map { place in
      let row = place % latents * count, code = codes[place]
      var best = 0, least = Float.infinity
      for index in 0..<count {
        let distance = (values[row + index] - code).magnitude
        if distance < least { (best, least) = (index, distance) }
      }
      return best
    }
  }

  /// Codes `[B, D]` with each element replaced by the nearest value.
  public func quantized(_ codes: [Float]) -> [Float] {
    zip(codes.indices, indices(of: codes)).map { place, index in values[place % latents * count + index] }
  }
}
