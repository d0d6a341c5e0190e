import ArgumentParser
import Codes
import FactorData

/// Which images a command takes.
struct ImageOptions: ParsableArguments {
  @Option(help: "An HDF5 or NPZ file of images, instead of the run's data set.", completion: .file())
  var images: String?

  @Option(help: "The array of images in that file (default: images or imgs).")
  var array: String?

  func validate() throws {
    if array != nil, images == nil { throw ValidationError("--array names an array of the file --images.") }
  }

  /// The images.
  func open(for run: CodingRun) throws -> any FactorDataset {
    try images.map { try run.images(of: $0, array: array) } ?? run.dataset
  }
}

/// Which rows of them.
struct RowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only these rows, counted from 0, without the last: 0:1000, 500:, or every tenth, ::10.",
      valueName: "start:stop:step"))
  var rows: RowSlice?

  @Option(help: ArgumentHelp("Only so many different rows, drawn at random.", valueName: "count"))
  var random: Int?

  @Option(
    help: ArgumentHelp(
      "Only the rows in the array \"index\" of an HDF5 or NPZ file, as of other codes.", valueName: "file"),
    completion: .file())
  var indices: String?

  func validate() throws {
    if [rows != nil, random != nil, indices != nil].count(where: { $0 }) > 1 {
      throw ValidationError("Give one of --rows, --random and --indices.")
    }
  }

  /// The rows.
  func selection(seed: UInt64) -> RowSelection {
    rows.map { .slice($0) } ?? random.map { .random($0, seed: seed) } ?? indices.map { .file($0) } ?? .all
  }
}

extension RowSlice: ExpressibleByArgument {
  /// Reads a slice.
  public init?(argument: String) { self.init(argument) }
}

/// Where a command puts images.
struct ImagesOutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "What to write: NAME.h5 or NAME.npz, NAME.png for one image of all, or the name of a new folder of images.")
  var output: String

  @Option(help: "Images in a row of NAME.png.")
  var columns = 10

  @Flag(help: "Replace the file if it exists.")
  var force = false

  func validate() throws {
    if !(1...100).contains(columns) { throw ValidationError("--columns is from 1 to 100, not \(columns)") }
  }

  /// The output, as far as can be known writable.
  func open(count: Int? = nil) throws -> ImagesOutput {
    let output = try ImagesOutput(output, columns: columns)
    try output.requireWritable(overwrite: force, count: count)
    return output
  }
}
