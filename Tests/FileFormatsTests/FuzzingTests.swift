import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

/// Mutated files of every format: each is read or rejected; none crashes a reader or exhausts memory.
///
///     DISENTANGLE_FUZZ_FILES=100000 swift test -c release --filter Fuzzing
///
/// runs the full count and prints the outcomes. By default 14,000 files take two seconds. Other modules that read files
/// have their own fuzzing tests.
@Suite(.serialized) struct FuzzingTests {
  /// Runs every operation of a reader of arrays; throws the first error at the end.
  private static func readArrays(_ path: String) throws {
    var refusal: StructuredError?
    func attempt(_ body: () throws -> Void) throws {
      do { try body() } catch let error as StructuredError { refusal = refusal ?? error }
    }
    let file = try openArrayFile(path)
    let names = try file.arrayPaths()
    for name in names.prefix(40) {
      try attempt {
        let about = try file.information(name)
        guard about.type.isNumeric else {
          _ = try file.texts(name)
          return
        }
        _ = try file.read(name, as: Double.self)
        if !about.shape.isEmpty {
          try file.forEachSlab(of: name, as: Float.self, rows: 3) { rows, slab in
            guard slab.count == rows.count * about.shape.dropFirst().reduce(1, *) else {
              throw StructuredError("a slab has \(slab.count) elements")
            }
          }
        }
        if Int.accepts(about.type) { _ = try file.read(name, as: Int.self) }
        if UInt8.accepts(about.type) { _ = try file.read(name, as: UInt8.self) }
      }
      for attribute in ["attribute 3", "fixed"] { _ = file.strings(ofAttribute: attribute, of: name) }
    }
    if let file = file as? HDF5File {
      _ = (file.strings(ofAttribute: "fixed", of: "/"), file.strings(ofAttribute: "variable", of: "/"))
      _ = (file.numbers(ofAttribute: "attribute 3", of: "links/1"), file.hasArray("group/itself/big"))
      try attempt { _ = try file.names(in: "links") }
      for name in ["filtered", "tree", "extensible"] where names.contains(name) {
        try attempt { _ = try file.readRawChunks(name, at: [[0, 0], [5, 3], [10, 0]]) }
      }
    }
    if let refusal { throw refusal }
  }

  private func check(_ outcome: Fuzzing.Outcome, of fuzzing: Fuzzing) {
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values + outcome.refused == fuzzing.count)
    // Both outcomes occur: some mutations are harmless, others are detected.
    #expect(outcome.values > 0 && outcome.refused > 0)
    // The readers need some tens of megabytes; the peak is checked only if the process does nothing else.
    if fuzzing.isFull { #expect(Fuzzing.peakMemory < 400 << 20) }
  }

  @Test("Mutated HDF5 files are read or rejected") func hdf5() throws {
    let fuzzing = Fuzzing(few: 8000, share: 0.4)
    var corpus = try ["earliest", "v108", "latest"].map {
      FileMutator([UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixture.path("corpus-\($0).h5")))))
    }
    let writer = try HDF5Writer()
    try writer.write("codes", (0..<40).map { Float($0) }, shape: [10, 4])
    try writer.write("factors", (0..<20).map { $0 % 3 }, shape: [10, 2], layout: .deflated(chunks: [4, 2], level: 4))
    try writer.setAttribute("variable", ["shape", "scale"])
    corpus.append(FileMutator([UInt8](try writer.bytes())))
    check(try fuzzing.run("hdf5", corpus) { try Self.readArrays($0) }, of: fuzzing)
  }

  @Test("Mutated NPZ files are read or rejected") func npz() throws {
    let fuzzing = Fuzzing(few: 3000, share: 0.12)
    let arrays = [
      ("codes.npy", NPYSample(values: (0..<40).map { Float($0) }, shape: "(10, 4)").bytes),
      (
        "factors.npy",
        NPYSample(header: "{'descr': '|u1', 'fortran_order': False, 'shape': (5, 2), }", data: Array(0..<10)).bytes
      ),
      (
        "factor_names.npy",
        NPYSample(
          header: "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }",
          data: [0x61, 0, 0, 0, 0x62, 0, 0, 0, 0x63, 0, 0, 0, 0, 0, 0, 0]
        ).bytes
      ),
    ]
    let corpus = [false, true].map {
      FileMutator(ZipSample(entries: arrays, isDeflated: $0).bytes, arrays: arrays)
    }
    check(try fuzzing.run("npz", corpus) { try Self.readArrays($0) }, of: fuzzing)
  }

  @Test("Mutated safetensors files are read or rejected") func safetensors() throws {
    let fuzzing = Fuzzing(few: 3000, share: 0.1), folder = try TemporaryFolder()
    try Safetensors.write(
      [
        .init("encoder.0.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, 6]),
        .init("encoder.0.bias", shape: [2], values: [-0.5, 1]), .init("none", shape: [0, 4], values: []),
      ], metadata: ["objective": "β-TCVAE"], to: folder.file("sound"))
    let header =
      #"{"a":{"dtype":"F16","shape":[2, 2],"data_offsets":[0, 8]},"b":{"dtype":"I64","shape":[1],"data_offsets":[8, 16]}}"#
    let corpus = [
      FileMutator([UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("sound"))))),
      FileMutator([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [UInt8](0..<16)),
    ]
    check(
      try fuzzing.run("safetensors", corpus) { path in
        let file = try Safetensors(reading: path)
        for entry in file.entries {
          switch entry.type {
          case .f64, .f32, .f16, .bf16: _ = try file.floats(entry.name)
          default: _ = try file.integers(entry.name)
          }
        }
      }, of: fuzzing)
  }
}
