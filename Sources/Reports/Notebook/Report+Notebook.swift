import Diagnostics
import Figures
import FileFormats
import Foundation
import Pages

extension Report {
  /// The data of the notebook at a path: NAME.h5 beside NAME.ipynb.
  ///
  /// - Throws: `StructuredError` if the path does not end in .ipynb.
  public static func notebookData(beside path: String) throws -> String {
    try NotebookTemplate.stem(of: path) + ".h5"
  }

  /// Makes sure that ``writeNotebook(to:overwrite:)`` may begin.
  ///
  /// - Throws: `StructuredError` as there, as far as it can be known beforehand.
  public static func requireWritableNotebook(_ path: String, overwrite: Bool) throws {
    try FileKind.json.requireWritable(path, force: overwrite)
    try FileKind.hdf5.requireWritable(notebookData(beside: path), force: overwrite)
  }

  /// Writes a Jupyter notebook that draws all figures of the report anew with numpy, h5py, matplotlib and pandas, and its
  /// data beside it as HDF5:
  ///
  /// - `report.json`, bytes: the whole report, as `disentangle report` writes it;
  /// - `pictures/NAME`, bytes from 0 to 255, `[rows, columns, H, W, C]`: the images of each figure, clamped to [0, 1].
  ///
  /// - Parameters:
  ///   - path: the notebook, NAME.ipynb.
  ///   - overwrite: whether existing files are replaced, which may have been edited.
  /// - Throws: `StructuredError` if the name is none of a notebook, or a file is in the way or cannot be written.
  public func writeNotebook(to path: String, overwrite: Bool) throws {
    try Self.requireWritableNotebook(path, overwrite: overwrite)
    let data = try Self.notebookData(beside: path), file = try HDF5Writer()
    let json = [UInt8](try contents.json())
    try file.write("report.json", json, shape: [json.count], layout: .deflated(chunks: [json.count], level: 9))
    for figure in figures {
      guard let (images, shape) = figure.imageGrid else { continue }
      try file.write(
        "pictures/\(figure.name)", images, shape: shape, layout: .deflated(chunks: [1] + shape.dropFirst(), level: 9))
    }
    try file.setAttribute("title", contents.title)
    let program = PageTemplate(PackageResources.notebook_py).filled([
      "title": contents.title.escapedForMarkdown(), "name": PathParts(data).name,
      // A JSON string is a Python string too.
      "data": try PageTemplate.json(PathParts(data).name),
    ])
    let notebook = try NotebookTemplate(program).notebook(figures: figures.map(\.name))
    try file.save(to: data, overwrite: overwrite)
    try AtomicFile.write(notebook, to: path, overwrite: overwrite)
  }
}

extension Figure {
  /// The images of a figure in the rows and columns in which they stand, as bytes, `[rows, columns, H, W, C]`; nil for
  /// a figure without images. What is missing in the last row is black.
  var imageGrid: (images: [UInt8], shape: [Int])? {
    var tiles: [(stack: ImageStack, index: Int, place: Point)] = []
    for case .image(let stack, let index, let place, _, _) in marks { tiles.append((stack, index, place)) }
    guard let first = tiles.first?.stack else { return nil }
    let rows = Set(tiles.map(\.place.y)).sorted(), columns = Set(tiles.map(\.place.x)).sorted()
    let size = first.height * first.width * first.channels
    var images = [UInt8](repeating: 0, count: rows.count * columns.count * size)
    for tile in tiles {
      guard let row = rows.firstIndex(of: tile.place.y), let column = columns.firstIndex(of: tile.place.x) else {
        continue
      }
      let start = (row * columns.count + column) * size
      for (offset, value) in tile.stack.values[tile.index * size..<(tile.index + 1) * size].enumerated() {
        images[start + offset] = UInt8((min(1, max(0, value)) * 255).rounded())
      }
    }
    return (images, [rows.count, columns.count, first.height, first.width, first.channels])
  }
}
