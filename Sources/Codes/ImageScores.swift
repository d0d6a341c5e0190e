import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import RateDecomposition
import TensorCore

/// How surprising images are to a model, one score for each.
public struct ImageScores {
  /// The images' numbers in their data set.
  public let indices: [Int]
  /// Their scores, in the same order.
  public let scores: [ImageScore]
  /// K, codes for each image.
  public let samples: Int
  /// The seed of the codes.
  public let seed: UInt64
  /// What a reader should know before trusting the numbers, in sentences.
  public let warnings: [String]
  private let run: CodingRun

  /// What is known of an image, by the name that it has in files, with its heading in tables.
  private static let columns: [(name: String, heading: String, value: @Sendable (ImageScore) -> Double)] = [
    ("negative_elbo", "−ELBO", { $0.negativeELBO }),
    ("reconstruction", "E[−log p(x|z)]", { $0.reconstruction.value }),
    ("kl", "KL(q(z|x) ‖ p(z))", { $0.kl }),
    ("negative_log_likelihood", "−log p̂(x)", { $0.negativeLogLikelihood.value }),
    ("effective_sample_size", "effective sample size", { $0.effectiveSampleSize }),
  ]

  /// Scores images; the decoder runs K times for each.
  ///
  /// - Parameters:
  ///   - images: a data set of the run's image size.
  ///   - rows: which of them.
  ///   - run: whose model is surprised.
  ///   - samples: K.
  ///   - seed: of the codes, which depend on it and the image's number alone.
  ///   - progress: called now and then with the number of images done.
  /// - Throws: `StructuredError` if an image cannot be read, or a posterior or a likelihood is not finite.
  public init(
    of images: any FactorDataset, _ rows: [Int], by run: CodingRun, samples: Int, seed: UInt64,
    progress: (Int) -> Void = { _ in }
  ) throws {
    try CodingRun.requireRows(rows)
    try run.model.requireDensity(for: "a score")
    let d = run.model.latents, stream = RandomStream(seed: seed)
    try RateDecomposition.memory(samples: samples, latents: d, at: "--samples").check()
    // As many images at a time as make a few batches for the decoder.
    let block = max(1, 4096 / samples)
    var scores: [ImageScore] = []
    for first in stride(from: 0, to: rows.count, by: block) {
      let part = Array(rows[first..<min(first + block, rows.count)])
      let table = try run.posteriors(of: images, part) { _ in }
      let codes = part.indices.flatMap { row in
        var noise = stream.split("score", part[row])
        return table.codes(at: row, count: samples, noise: &noise)
      }
      let distortions = try run.model.distortions(
        images, part.flatMap { [Int](repeating: $0, count: samples) }, at: codes)
      for row in part.indices {
        scores.append(
          try ImageScore(
            of: table, row: row, codes: Array(codes[row * samples * d..<(row + 1) * samples * d]),
            logLikelihoods: distortions[row * samples..<(row + 1) * samples].map { -$0 }))
      }
      progress(scores.count)
    }
    (indices, self.scores, self.samples, self.seed, self.run) = (rows, scores, samples, seed, run)
    warnings = Self.findings(scores, run.model, images)
  }

  private static func findings(_ scores: [ImageScore], _ model: Model, _ images: any FactorDataset) -> [String] {
    var notes: [String] = []
    let least = ImageScore.leastEffectiveSampleSize
    let low = scores.count { $0.effectiveSampleSize < least }
    if low > 0 {
      notes.append(
        "The effective sample size is below \(Format.value(least)) for \(low) of \(scores.count) images: their "
          + "negative_log_likelihood is likely too high. More --samples help.")
    }
    if model.likelihood.isDiscrete, !images.isBinary {
      notes.append(
        "The images are not binary: with a Bernoulli likelihood these are cross-entropies, no probabilities of images.")
    }
    return notes
  }

  /// Where scores go; the name tells which of the two.
  public enum Output {
    /// An HDF5 or NPZ file with an array [N] float64 for each column, and `index` [N] int64.
    case arrays(String)
    /// Comma-separated values, one line for each image after that of names.
    case csv(String)

    /// Reads a name and makes sure that it can be written.
    ///
    /// - Throws: `StructuredError` if it ends in something else, or something is in the way.
    public init(_ path: String, overwrite: Bool) throws {
      let kind: FileKind
      if let format = ArrayFileWriter.Format(path: path) {
        self = .arrays(path)
        kind = format.kind
      } else if path.lowercased().hasSuffix(".csv") {
        self = .csv(path)
        kind = .text
      } else {
        throw StructuredError(
          "the name does not determine the format", at: path, expected: "a name that ends in .h5, .npz or .csv")
      }
      try kind.requireWritable(path, force: overwrite)
    }
  }

  /// Writes the scores.
  ///
  /// - Throws: `StructuredError` if the file cannot be written.
  public func write(to output: Output, overwrite: Bool) throws {
    switch output {
    case .arrays(let path):
      var contents = ArrayFileContents()
      for column in Self.columns { contents.addArray(column.name, Double.self, shape: [scores.count]) }
      contents.addArray("index", Int.self, shape: [scores.count])
      run.describe(in: &contents)
      contents.setAttribute("seed", "\(seed)")
      contents.setAttribute("samples", samples)
      try ArrayFileWriter.write(contents, to: path, overwrite: overwrite) { file in
        for column in Self.columns { try file.append(scores.map(column.value), to: column.name) }
        try file.append(indices, to: "index")
      }
    case .csv(let path):
      let names = (["index"] + Self.columns.map(\.name)).joined(separator: ",")
      let lines = zip(indices, scores).map { index, score in
        (["\(index)"] + Self.columns.map { "\($0.value(score))" }).joined(separator: ",")
      }
      try AtomicFile.write(
        Data(([names] + lines).map { $0 + "\n" }.joined().utf8), to: path, overwrite: overwrite)
    }
  }

  /// The fractions of the quantiles that are shown, by their names.
  private static let quantiles: [(name: String, fraction: Double)] = [
    ("least", 0), ("5 %", 0.05), ("25 %", 0.25), ("median", 0.5), ("75 %", 0.75), ("95 %", 0.95), ("most", 1),
  ]

  /// The number of the most surprising images that are shown.
  private static let shown = 10

  /// The rows of the images, the highest −log p̂(x) first; equal scores keep the order of the images.
  private var ranking: [Int] {
    scores.indices.sorted {
      let (a, b) = (scores[$0].negativeLogLikelihood.value, scores[$1].negativeLogLikelihood.value)
      return a != b ? a > b : $0 < $1
    }
  }

  /// The scores for a terminal or Markdown: quantiles, and the images of the highest −log p̂(x).
  public func text(_ style: TextTable.Style = .terminal) -> String {
    let sorted = Self.columns.map { column in scores.map(column.value).sorted() }
    var rows: [[TextTable.Cell]] = Self.quantiles.map { name, fraction in
      [TextTable.Cell(name)] + sorted.map { TextTable.Cell(Format.number(Self.quantile(fraction, of: $0))) }
    }
    rows.append(
      ["mean"] + sorted.map { TextTable.Cell(Format.number($0.reduce(0, +) / Double($0.count))) })
    let header = Self.columns.map(\.heading)
    let all = TextTable(
      title: "Surprise of \(run.name) in nats", header: ["quantile"] + header, rows: rows,
      numeric: Set(1...header.count),
      note: "Over \(scores.count) images; \(samples) codes from q(z|x) for each, seed \(seed).")
    let top = TextTable(
      title: "The most surprising images, by −log p̂(x)", header: ["image"] + header,
      rows: ranking.prefix(Self.shown).map { row in
        [TextTable.Cell("\(indices[row])")]
          + Self.columns.map { TextTable.Cell(Format.number($0.value(scores[row]))) }
      }, numeric: Set(0...header.count))
    return ([all.text(style), top.text(style)] + warnings).joined(separator: "\n\n")
  }

  /// The same as JSON, with sorted keys.
  public func json() throws -> String {
    let sorted = Self.columns.map { column in (name: column.name, values: scores.map(column.value).sorted()) }
    func row(_ value: (_ values: [Double]) -> Double) -> [String: Double] {
      Dictionary(uniqueKeysWithValues: sorted.map { ($0.name, value($0.values)) })
    }
    let summary = Summary(
      images: scores.count, samples: samples, seed: seed,
      quantiles: Self.quantiles.map { quantile in
        .init(quantile: quantile.fraction, values: row { Self.quantile(quantile.fraction, of: $0) })
      },
      mean: row { $0.reduce(0, +) / Double($0.count) },
      mostSurprising: ranking.prefix(Self.shown).map { place in
        .init(
          index: indices[place],
          values: Dictionary(uniqueKeysWithValues: Self.columns.map { ($0.name, $0.value(scores[place])) }))
      }, warnings: warnings)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(summary), as: UTF8.self)
  }

  private struct Summary: Encodable {
    struct Quantile: Encodable {
      let quantile: Double
      let values: [String: Double]
    }
    struct Image: Encodable {
      let index: Int
      let values: [String: Double]
    }
    let images, samples: Int
    let seed: UInt64
    let quantiles: [Quantile]
    let mean: [String: Double]
    let mostSurprising: [Image]
    let warnings: [String]

    enum CodingKeys: String, CodingKey {
      case images, samples, seed, quantiles, mean, warnings
      case mostSurprising = "most_surprising"
    }
  }

  /// The quantile of sorted values, linear between neighbours, as NumPy has it.
  private static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
    let place = fraction * Double(sorted.count - 1), below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}
