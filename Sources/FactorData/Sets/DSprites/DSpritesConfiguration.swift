import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore

extension DSprites {
  /// The settings of the data set `dsprites`.
  public struct Configuration: DatasetConfiguration {
    /// A file in the published layout, HDF5 or NPZ; nil to render the images in memory.
    public var path: String?

    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws {
      path = try section.optional("path") { try $0.string($1) }
      // Configurations resolved by earlier versions list the keys of the data set `file`, too.
      section.ignoreNull("images", "factors")
    }

    /// Reads the file or renders the images.
    public func open(on device: Device) throws -> any FactorDataset {
      try path.map { try DSprites(file: $0, on: device) } ?? DSprites(renderedOn: device)
    }

    /// The file, where there is one.
    public var files: [String] { path.map { [$0] } ?? [] }
  }

  /// The entry of the standard registry.
  static let entry = DatasetEntry(
    name: "dsprites",
    summary: "737,280 binary 64×64 images of 3 shapes in 6 sizes, 40 orientations and 32×32 positions; "
      + "drawn in memory, or read from `path` in the published HDF5 or NPZ layout",
    paper: "Matthey, Higgins, Hassabis, Lerchner 2017, https://github.com/deepmind/dsprites-dataset",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://github.com/google-deepmind/dsprites-dataset",
      licence: "see the repository; drawn with LÖVE, which is under the zlib/libpng licence",
      size: "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5 or .npz; 360 MB in memory",
      howToObtain: "Nothing is needed: it is drawn in memory. The published file is in the repository."),
    publishedFile: PublishedFile(
      recognizes: { path in (try? openArrayFile(path)).map(isInPublishedLayout) ?? false },
      open: { try DSprites(file: $0, on: $1) },
      verify: verify,
      render: { path, overwrite, device, progress in
        let data = try DSprites(renderedOn: device)
        try data.write(to: path, overwrite: overwrite, on: device, progress: progress)
        return data.count
      }))

  /// Checks a file in the published layout, and compares every image with the rendered one.
  ///
  /// - Returns: what was found. Images that differ are not as published.
  /// - Throws: `StructuredError` when the file has another structure.
  private static func verify(_ path: String, on device: Device) throws -> [PublishedFile.Finding] {
    let data = try DSprites(file: path, on: device)
    let file = try openArrayFile(path)
    try checkValues(of: file)
    let comparison = try DSpritesComparison(data, on: device)
    let lit = comparison.litPixels, differing = comparison.differingImages
    var rendered = "all \(data.count) images equal the drawn ones"
    if !differing.isEmpty {
      rendered =
        "\(differing.count) of \(data.count) images differ from the drawn ones, in \(comparison.differingPixels) pixels: "
        + differing.prefix(10).map(String.init).joined(separator: ", ") + (differing.count > 10 ? ", …" : "")
    }
    return [
      .init("images", "\(DSpritesLayout.images): \(try file.information(DSpritesLayout.images).summary)"),
      .init("pixels", "all 0 or 1; lit in squares \(lit[0]), ellipses \(lit[1]), hearts \(lit[2])"),
      .init("factors", "classes and values as published"),
      .init("renderer", rendered, isAsPublished: differing.isEmpty),
    ]
  }
}
