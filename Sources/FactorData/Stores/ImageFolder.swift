import Diagnostics
import FileFormats
import Foundation
import TensorCore

/// PNG and JPEG files of one size in a folder, each decoded when it is read.
struct ImageFolder: DiskImages {
  let folder: String
  let count: Int
  let shape: ImageShape
  /// The name of the file of an image, within the folder.
  let name: @Sendable (_ index: Int) -> String

  var format: PixelFormat { .bytes }

  /// The path of the file of an image.
  func path(_ index: Int) -> String { PathParts.join(folder, name(index)) }

  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws {
    let decoder = ImageDecoder()
    for (position, index) in indices.enumerated() {
      precondition(index >= 0 && index < count, "image \(index) is outside the data set")
      try decoder.decode(path(index), shape: shape, into: destination + position * shape.count)
    }
  }

  /// The names of the images in a folder, in the order of their bytes.
  ///
  /// - Throws: `StructuredError` if the folder cannot be read.
  static func names(in folder: String) throws -> [String] {
    try unsortedNames(in: folder).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The names of the images in a folder, of which there may be a million, in any order.
  ///
  /// - Throws: `StructuredError` if the folder cannot be read.
  static func unsortedNames(in folder: String) throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw StructuredError("there is no such folder, or it cannot be read", at: folder, expected: "a folder of images")
    }
    func isImage(_ name: String) -> Bool { ImageHeader.endings.contains(where: name.hasSuffix) }
    return names.filter { !$0.hasPrefix(".") && (isImage($0) || isImage($0.lowercased())) }
  }

  /// The extents of all images of files: grey if all are, otherwise colour.
  ///
  /// - Throws: `StructuredError` that names the first file that is no image or has another size than the first one.
  static func commonShape(
    _ count: Int, on device: Device, path: @Sendable (_ index: Int) -> String
  ) throws -> ImageShape {
    let first = try ImageHeader(reading: path(0)).shape
    var channels = [UInt8](repeating: 1, count: count)
    try channels.withUnsafeMutableBufferPointer { channels in
      nonisolated(unsafe) let channels = channels
      try device.forEachPart(count, grain: 16) { part in
        for index in part {
          let path = path(index), shape = try ImageHeader(reading: path).shape
          guard shape.height == first.height, shape.width == first.width else {
            throw StructuredError(
              "the image has \(shape.height)×\(shape.width) pixels", at: path,
              expected: "\(first.height)×\(first.width), as the first image")
          }
          channels[index] = UInt8(shape.channels)
        }
      }
    }
    return ImageShape(height: first.height, width: first.width, channels: Int(channels.max() ?? 1))
  }
}
