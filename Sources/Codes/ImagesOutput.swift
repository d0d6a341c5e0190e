import Diagnostics
import Figures
import FileFormats
import Foundation
import TensorCore

/// Where decoded images go; the name of the output selects one of three formats.
public enum ImagesOutput: Sendable, Equatable {
  /// An HDF5 or NPZ file with `images` [N, H, W, C] float32: a name that ends in `.h5` or `.npz`.
  case arrays(String)
  /// One PNG file with all images in a grid, row by row: a name that ends in `.png`.
  case grid(String, columns: Int)
  /// A new folder of PNG files, one for each image: any other name without an ending.
  case folder(String)

  private static let folderKind = FolderKind("folder of images")

  /// The most images in a grid, and the most rows of them.
  static let most = (images: 1_000, rows: 200)

  /// Reads a name.
  ///
  /// - Parameters:
  ///   - path: the name.
  ///   - columns: images in a row of the grid.
  /// - Throws: `StructuredError` if it ends in something else.
  public init(_ path: String, columns: Int = 10) throws {
    let name = PathParts(path).name
    if path.hasSuffix("/") || !name.dropFirst().contains(".") {
      self = .folder(path)
    } else if ArrayFileWriter.Format(path: path) != nil {
      self = .arrays(path)
    } else if name.lowercased().hasSuffix(".png") {
      self = .grid(path, columns: columns)
    } else {
      throw StructuredError(
        "the name does not determine the format", at: path,
        expected: "a name that ends in .h5, .npz or .png, or the name of a new folder")
    }
  }

  /// The name.
  public var path: String {
    switch self {
    case .arrays(let path), .grid(let path, _), .folder(let path): path
    }
  }

  /// Makes sure that it can be written, as far as that can be known beforehand.
  ///
  /// - Parameters:
  ///   - overwrite: whether a file of this kind that is already there is replaced; a folder never is.
  ///   - count: the number of images; nil where it is not known yet.
  /// - Throws: `StructuredError` if something is in the way, or a grid cannot show so many images.
  public func requireWritable(overwrite: Bool, count: Int? = nil) throws {
    switch self {
    case .arrays(let path):
      let kind = ArrayFileWriter.Format(path: path)?.kind ?? .hdf5
      try kind.requireWritable(path, force: overwrite)
    case .grid(let path, let columns):
      try FileKind.png.requireWritable(path, force: overwrite)
      let most = min(Self.most.images, Self.most.rows * columns)
      if let count, count > most {
        throw StructuredError(
          "one image cannot show \(count) images", at: path, expected: "at most \(most) in rows of \(columns)",
          action: "Write a folder of images, --output NAME, or a file, --output NAME.h5.")
      }
    case .folder(let path): try AtomicFolder.requireWritable(path, as: Self.folderKind, replacing: false)
    }
  }

  /// Writes images, whole or not at all.
  ///
  /// - Parameters:
  ///   - count: N, the number of images.
  ///   - model: gives their shape, and D.
  ///   - hasCodes: whether a file of arrays holds `codes` [N, D], too.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - describe: adds attributes to a file of arrays.
  ///   - body: hands over images `[B, H, W, C]` and their codes `[B, D]`, in order.
  func write(
    _ count: Int, of image: ImageShape, codes latents: Int?, overwrite: Bool,
    describe: (inout ArrayFileContents) -> Void,
    _ body: (_ append: (_ images: [Float], _ codes: [Float]) throws -> Void) throws -> Void
  ) throws {
    try requireWritable(overwrite: overwrite, count: count)
    func stack(_ images: [Float]) throws -> ImageStack {
      try ImageStack(
        images, count: images.count / image.count, height: image.height, width: image.width, channels: image.channels)
    }
    switch self {
    case .arrays(let path):
      var contents = ArrayFileContents()
      if let latents { contents.addArray("codes", Float.self, shape: [count, latents]) }
      contents.addArray("images", Float.self, shape: [count, image.height, image.width, image.channels])
      describe(&contents)
      try ArrayFileWriter.write(contents, to: path, overwrite: overwrite) { file in
        try body { images, codes in
          if latents != nil { try file.append(codes, to: "codes") }
          try file.append(images, to: "images")
        }
      }
    case .grid(let path, let columns):
      // Images that cannot be drawn show before they are computed.
      _ = try stack([])
      var all: [Float] = []
      try body { images, _ in all += images }
      let figure = ImagesFigure(images: try stack(all)).draw(columns: columns, width: 46 * Double(columns))
      try AtomicFile.write(try figure.png(), to: path, overwrite: overwrite)
    case .folder(let path):
      _ = try stack([])
      let digits = max(6, "\(count - 1)".count)
      let names = (0..<count).map { number in
        String(repeating: "0", count: digits - "\(number)".count) + "\(number).png"
      }
      try AtomicFolder.write(to: path, as: Self.folderKind, files: names, replacing: false) { folder in
        var number = 0
        try body { images, _ in
          let stack = try stack(images)
          for image in 0..<stack.count {
            try folder.write(stack.png(of: image), as: names[number])
            number += 1
          }
        }
      }
    }
  }
}
