import Diagnostics
import Foundation

/// What a file is by its first bytes, so that `--force` replaces a file by one of its kind and never anything else.
public enum FileKind: String, Sendable {
  /// HDF5.
  case hdf5 = "an HDF5 file"
  /// A zip archive of NumPy arrays.
  case zip = "an NPZ file"
  /// PNG.
  case png = "a PNG image"
  /// Safetensors.
  case safetensors = "a safetensors file"
  /// ONNX.
  case onnx = "an ONNX model"
  /// A page.
  case html = "an HTML page"
  /// JSON, notebooks included.
  case json = "a JSON file"
  /// Text, CSV and Markdown included.
  case text = "a text file"

  /// Makes sure that a file may be written: nothing is there, or with `force` a file of the same kind.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - force: Whether a file of this kind, or an empty one, is replaced.
  /// - Throws: `StructuredError` as ``AtomicFile/requireWritable(_:overwrite:)``, or if a file of another kind is there.
  public func requireWritable(_ path: String, force: Bool) throws {
    try AtomicFile.requireWritable(path, overwrite: force)
    guard force, FileManager.default.fileExists(atPath: path) else { return }
    let bytes: [UInt8]
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }
      bytes = [UInt8](try file.read(upToCount: 4096) ?? Data())
    } catch {
      throw StructuredError("the file that is there cannot be read", at: path, action: "Choose another name.")
    }
    guard bytes.isEmpty || matches(bytes) else {
      throw StructuredError(
        "the file that is there is of another kind and is not replaced", at: path, expected: rawValue,
        action: "Choose another name, or move the file elsewhere.")
    }
  }

  /// Whether a file that begins with these bytes can be of this kind.
  func matches(_ bytes: [UInt8]) -> Bool {
    func begins(_ start: [UInt8]) -> Bool { bytes.starts(with: start) }
    func begins(_ start: String) -> Bool { String(decoding: bytes, as: UTF8.self).hasPrefix(start) }
    switch self {
    case .hdf5: return begins([0x89] + Array("HDF\r\n\u{1a}\n".utf8))
    case .zip: return begins("PK\u{3}\u{4}") || begins("PK\u{5}\u{6}")
    case .png: return begins([0x89] + Array("PNG\r\n\u{1a}\n".utf8))
    // The length of the header, eight bytes, then the header.
    case .safetensors: return bytes.count > 8 && bytes[8] == UInt8(ascii: "{")
    // The first field is the version of the format, an integer.
    case .onnx: return begins([0x08]) && bytes.count > 2 && bytes[2] == 0x12
    case .html: return begins("<!DOCTYPE html")
    case .json: return begins("{") || begins("[")
    case .text: return Self.isText(bytes)
    }
  }

  /// Whether bytes are UTF-8 without control characters of binary files; the last character may be cut off.
  private static func isText(_ bytes: [UInt8]) -> Bool {
    !bytes.contains { $0 < 9 }
      && (0..<min(4, bytes.count)).contains { String(validating: bytes.dropLast($0), as: UTF8.self) != nil }
  }
}
