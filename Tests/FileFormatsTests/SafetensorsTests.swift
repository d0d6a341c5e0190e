import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func sample() throws -> String {
    try Safetensors.write(
      [
        .init("encoder.0.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, 6]),
        .init("bias \"quoted\"", shape: [1], values: [-0.5]), .init("none", shape: [0, 4], values: []),
      ], metadata: ["objective": "β-TCVAE"], to: folder.file("sample.safetensors"))
    return folder.file("sample.safetensors")
  }

  /// A file with a header and data.
  private func file(_ header: String, data: Int = 0, declared: UInt64? = nil) throws -> String {
    let length = withUnsafeBytes(of: (declared ?? UInt64(header.utf8.count)).littleEndian) { Array($0) }
    return try folder.write(length + Array(header.utf8) + [UInt8](repeating: 0, count: data), as: "made.safetensors")
  }

  @Test("Tensors and metadata are read as they were written") func roundTrip() throws {
    let file = try Safetensors(reading: sample())
    #expect(file.entries.map(\.name) == ["encoder.0.weight", "bias \"quoted\"", "none"])
    #expect(try file.floats("encoder.0.weight", shape: [2, 3]) == [1, 2, 3, 4, 5, 6])
    #expect(try file.floats("bias \"quoted\"") == [-0.5])
    #expect(try file.floats("none", shape: [0, 4]) == [])
    #expect(file.metadata == ["objective": "β-TCVAE"])
    let crc = Checksum.crc32(try Data(contentsOf: URL(fileURLWithPath: file.path)))
    #expect(UInt32(file.checksum, radix: 16) == crc && file.checksum.count == 8)
    #expect(try Safetensors.data([], metadata: ["a": "b"]).count % 8 == 0)
  }

  @Test("The tensors begin at a multiple of eight bytes") func alignment() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: sample()))
    #expect(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } % 8 == 0)
  }

  @Test("Missing tensors, other shapes and other types are rejected") func rejected() throws {
    let file = try Safetensors(reading: sample())
    let missing = #expect(throws: StructuredError.self) { try file.floats("weights") }
    #expect(missing?.what == "there is no tensor \"weights\" in the file")
    #expect(missing?.action?.contains("encoder.0.weight") == true)
    #expect(throws: StructuredError.self) { try file.floats("encoder.0.weight", shape: [3, 2]) }
    let type = #expect(throws: StructuredError.self) { try file.integers("encoder.0.weight") }
    #expect(type?.what == "the tensor holds F32")
  }

  @Test("Two tensors with the same name are rejected") func duplicateNames() throws {
    #expect(throws: StructuredError.self) {
      try Safetensors.write(
        [.init("a", shape: [], values: [1]), .init("a", shape: [], values: [2])], to: folder.file("twice"))
    }
    #expect(try folder.names().isEmpty)
  }

  @Test(
    "A header that contradicts the data is rejected",
    arguments: [
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "the file is truncated"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "the file has extra bytes after its last tensor"),
      (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "the tensor of shape [3] takes 8 bytes"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#, 8, "the tensor has the impossible shape [-1]"),
      (
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
        "the tensor has the impossible shape [4611686018427387904, 4]"
      ),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "the tensor's offsets are [8, 0]"),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8, "the tensor's offsets are [0]"),
      (#"{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}"#, 8, "the tensor has the unknown type \"Q4\""),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4, "the tensor overlaps the previous one"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "there is a gap before the tensor"),
    ])
  func contradictingHeader(header: String, data: Int, what: String) throws {
    let path = try file(header, data: data)
    let error = #expect(throws: StructuredError.self) { try Safetensors(reading: path) }
    #expect(error?.what == what)
  }

  @Test(
    "Anything that is not a header is rejected",
    arguments: [
      "", "{", "[]", "null", #"{"a":1}"#, #"{"a":{"dtype":"F32"}}"#, #"{"__metadata__":{"a":1}}"#, "\u{0}\u{0}",
    ])
  func noHeader(header: String) throws {
    let path = try file(header)
    let error = #expect(throws: StructuredError.self) { try Safetensors(reading: path) }
    #expect(error?.what.hasPrefix("the safetensors header is invalid") == true)
  }

  @Test("A header longer than the format allows is rejected before it is read") func hugeHeader() throws {
    for declared in [100_000_001, UInt64.max, UInt64(Int.max)] {
      let path = try file("{}", declared: declared)
      let error = #expect(throws: StructuredError.self) { try Safetensors(reading: path) }
      #expect(error?.what.contains("declares a header of \(declared) bytes") == true)
    }
  }

  @Test("Every prefix of a file is rejected") func truncated() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: sample())))
    for length in bytes.indices {
      let path = try folder.write(bytes.prefix(length), as: "prefix")
      #expect(throws: StructuredError.self) { try Safetensors(reading: path) }
    }
  }

  @Test(
    "Python reads our files, and we read those of Python",
    .enabled(if: PythonScript.has("numpy", "safetensors"), "python3 with numpy and safetensors is not installed"))
  func python() throws {
    let script = """
      import sys, numpy as np
      from safetensors import safe_open
      from safetensors.numpy import load_file, save_file
      t = load_file(sys.argv[1])
      assert t['encoder.0.weight'].shape == (2, 3) and t['encoder.0.weight'][1, 2] == 6
      assert t['none'].shape == (0, 4) and t['bias "quoted"'][0] == -0.5
      assert safe_open(sys.argv[1], 'np').metadata() == {'objective': 'β-TCVAE'}
      half = np.array([0.5, -2, 6e-8, np.inf, 65504], np.float16)
      save_file({'half': half, 'double': np.array([1/3]), 'long': np.array([[-7, 9]]),
                 'flags': np.array([True, False])}, sys.argv[2], metadata={'a': 'b'})
      """
    let result = try PythonScript.run(script, sample(), folder.file("python.safetensors"))
    #expect(result.status == 0, "\(result.output)")
    let file = try Safetensors(reading: folder.file("python.safetensors"))
    #expect(try file.floats("half") == [0.5, -2, 0x1p-24, .infinity, 65504])
    #expect(try file.floats("double") == [Float(1.0 / 3)])
    #expect(try file.integers("long", shape: [1, 2]) == [-7, 9])
    #expect(try file.integers("flags") == [1, 0])
    #expect(file.metadata == ["a": "b"])
  }
}
