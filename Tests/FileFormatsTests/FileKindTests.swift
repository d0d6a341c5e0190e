import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite("Kinds of files")
struct FileKindTests {
  private static let samples: [(kind: FileKind, bytes: [UInt8])] = [
    (.hdf5, [0x89] + Array("HDF\r\n\u{1a}\n rest".utf8)), (.zip, Array("PK\u{3}\u{4} rest".utf8)),
    (.png, [0x89] + Array("PNG\r\n\u{1a}\n rest".utf8)), (.safetensors, [9, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)),
    (.onnx, [8, 7, 0x12, 11, 0]), (.html, Array("<!DOCTYPE html>\n".utf8)), (.json, Array("{\"a\": 1}".utf8)),
    (.text, Array("\\documentclass{thesis}\n".utf8)),
  ]

  @Test("With --force a file of the same kind or an empty one is replaced, a file of another kind never")
  func kinds() throws {
    let folder = try TemporaryFolder()
    for (kind, bytes) in Self.samples {
      let path = try folder.write(bytes, as: "file")
      for (other, _) in Self.samples {
        // Pages, JSON and CSV are texts, too.
        if other == kind || other == .text && [.html, .json].contains(kind) {
          try other.requireWritable(path, force: true)
        } else {
          let error = #expect(throws: StructuredError.self, "\(kind) for \(other)") {
            try other.requireWritable(path, force: true)
          }
          #expect(error?.what == "the file that is there is of another kind and is not replaced")
          #expect(error?.expected == other.rawValue)
        }
        let error = #expect(throws: StructuredError.self) { try other.requireWritable(path, force: false) }
        #expect(error?.what == "the file already exists" && error?.action?.contains("--force") == true)
      }
    }
    _ = try folder.write([UInt8](), as: "file")
    for (kind, _) in Self.samples { try kind.requireWritable(folder.file("file"), force: true) }
    try FileKind.text.requireWritable(folder.file("new"), force: false)
  }
}
