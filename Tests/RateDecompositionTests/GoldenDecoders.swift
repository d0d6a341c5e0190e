import FileFormats
import Foundation
import TensorCore
import TestSupport

@testable import RateDecomposition

/// The decoders of `methods/likelihood.h5`: linear with a Gaussian likelihood, and a small network of two latents with binary pixels.
struct GoldenDecoder {
  enum Kind: String, CaseIterable {
    case linear
    case bernoulli
  }

  let kind: Kind
  let latents: Int
  let count: Int
  private let file: HDF5File
  private let weights: [[Double]]
  private let images: [[Double]]

  init(_ kind: Kind) throws {
    let file = try HDF5File(reading: Golden.path("methods/likelihood.h5"))
    func read(_ name: String) throws -> [Double] {
      try file.read("\(kind.rawValue)/\(name)", as: Float.self).values.map(Double.init)
    }
    self.file = file
    self.kind = kind
    latents = kind == .linear ? 5 : 2
    let pixels = kind == .linear ? 20 : 64
    weights =
      try kind == .linear
      ? [read("W"), read("b"), read("s")] : [read("W1"), read("b1"), read("W2"), read("b2")]
    let x = try read("x")
    images = stride(from: 0, to: x.count, by: pixels).map { Array(x[$0..<$0 + pixels]) }
    count = images.count
  }

  func array(_ name: String) throws -> [Double] { try file.read("\(kind.rawValue)/\(name)", as: Double.self).values }
  func codes() throws -> [Double] {
    try file.read("\(kind.rawValue)/z_true", as: Float.self).values.map(Double.init)
  }
  func posterior() throws -> PosteriorTable {
    try PosteriorTable(
      means: file.read("\(kind.rawValue)/q_mean", as: Float.self).values,
      logVariances: file.read("\(kind.rawValue)/q_logvar", as: Float.self).values, latents: latents)
  }

  func likelihood(_ rows: Range<Int>? = nil) -> CodeLikelihood {
    let first = rows?.lowerBound ?? 0
    return CodeLikelihood(latents: latents, images: rows?.count ?? count) { codes, images in
      var values = [Double](repeating: 0, count: images.count), gradients = [Double](repeating: 0, count: codes.count)
      codes.withUnsafeBufferPointer { codes in
        gradients.withUnsafeMutableBufferPointer { gradients in
          for (row, image) in images.enumerated() {
            let place = row * latents..<(row + 1) * latents
            let z = UnsafeBufferPointer(rebasing: codes[place])
            let gradient = UnsafeMutableBufferPointer(rebasing: gradients[place])
            values[row] = kind == .linear ? linear(z, first + image, gradient) : bernoulli(z, first + image, gradient)
          }
        }
      }
      return (values, gradients)
    }
  }

  func subject() throws -> LikelihoodBounds.Subject {
    try .init(
      posterior: posterior(), indices: Array(0..<count), exactCodes: codes(), likelihood: { likelihood($0) })
  }

  private func linear(
    _ z: UnsafeBufferPointer<Double>, _ image: Int, _ gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    let s = weights[2][0]
    var squares = 0.0
    weights[0].withUnsafeBufferPointer { w in
      for p in 0..<20 {
        var difference = images[image][p] - weights[1][p]
        for d in 0..<5 { difference -= w[p * 5 + d] * z[d] }
        squares += difference * difference
        for d in 0..<5 { gradient[d] += difference * w[p * 5 + d] / (s * s) }
      }
    }
    return -0.5 * squares / (s * s) - 10 * log(2 * .pi * s * s)
  }

  private func bernoulli(
    _ z: UnsafeBufferPointer<Double>, _ image: Int, _ gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var value = 0.0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 64) { scratch in
      let hidden = scratch.baseAddress!, slopes = hidden + 32
      for h in 0..<32 {
        hidden[h] = tanh(weights[0][2 * h] * z[0] + weights[0][2 * h + 1] * z[1] + weights[1][h])
        slopes[h] = 0
      }
      weights[2].withUnsafeBufferPointer { w in
        for p in 0..<64 {
          var logit = weights[3][p]
          for h in 0..<32 { logit += w[p * 32 + h] * hidden[h] }
          let x = images[image][p], e = exp(-abs(logit))
          value += x * logit - max(logit, 0) - log(1 + e)
          let slope = x - (logit > 0 ? 1 : e) / (1 + e)
          for h in 0..<32 { slopes[h] += slope * w[p * 32 + h] }
        }
      }
      for h in 0..<32 {
        let slope = slopes[h] * (1 - hidden[h] * hidden[h])
        gradient[0] += slope * weights[0][2 * h]
        gradient[1] += slope * weights[0][2 * h + 1]
      }
    }
    return value
  }
}
