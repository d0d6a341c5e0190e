import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Mutated files of published data sets: each is read or rejected.
@Suite(.serialized) struct SetsFuzzingTests {
  private func corpus(_ names: [String]) throws -> [FileMutator] {
    try names.map { FileMutator([UInt8](try Data(contentsOf: URL(fileURLWithPath: Golden.path($0))))) }
  }

  /// Files compressed and not: mutations inside a gzip stream mostly fail at its checksum.
  private func withPlain(_ names: [String]) throws -> [FileMutator] {
    let plain = try names.map { name in
      let file = try SequentialFile(reading: Golden.path(name))
      var bytes: [UInt8] = []
      while let byte = try? file.read(1) { bytes += byte }
      return FileMutator(bytes)
    }
    return try corpus(names) + plain
  }

  private func check(_ outcome: Fuzzing.Outcome, of fuzzing: Fuzzing) {
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values + outcome.refused == fuzzing.count)
    #expect(outcome.values > 0 && outcome.refused > 0)
  }

  @Test("Mutated IDX files are read or rejected") func idx() throws {
    let fuzzing = Fuzzing(few: 1500, share: 0.05), folder = "datasets/mnist/"
    let files = try withPlain([
      folder + "t10k-images-idx3-ubyte.gz", folder + "t10k-labels-idx1-ubyte.gz",
    ])
    check(
      try fuzzing.run("idx", files) { path in
        do { _ = try IDXFile(reading: path, rank: 3).bytes() } catch let error as StructuredError {
          // The labels have one dimension.
          guard error.what == "the array has 1 dimensions" else { throw error }
          _ = try IDXFile(reading: path, rank: 1).bytes()
        }
      }, of: fuzzing)
  }

  @Test("Mutated matrices of SmallNORB are read or rejected") func norb() throws {
    let fuzzing = Fuzzing(few: 1500, share: 0.05)
    let prefix = "datasets/small_norb/smallnorb-5x01235x9x18x6x2x96x96-testing-"
    let files = try withPlain([prefix + "cat.mat.gz", prefix + "info.mat.gz"])
    check(
      try fuzzing.run("norb", files) { path in
        for rank in [1, 2] {
          do {
            let matrix = try NORBMatrix(reading: path, of: .int32, rank: rank)
            _ = try matrix.integers(matrix.shape.reduce(1, *))
            return try matrix.requireEnd()
          } catch let error as StructuredError {
            if rank == 2 || !error.what.hasPrefix("the matrix has 2 dimensions") { throw error }
          }
        }
      }, of: fuzzing)
  }
}
