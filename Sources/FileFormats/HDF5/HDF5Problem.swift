import Diagnostics

/// Why a part of an HDF5 file is not read.
enum HDF5Problem: Error {
  /// The file contradicts itself, or ends too early.
  case damaged(String)
  /// The file uses a feature that this reader does not know; `action` says how to do without.
  case unsupported(String, action: String)

  /// What most features that are not read can be replaced with.
  static let repack = "Rewrite the file with \"h5repack -f GZIP=4 IN OUT\", or save its arrays anew with h5py."

  /// The error that a person sees.
  ///
  /// - Parameters:
  ///   - location: the file, or the file and the array.
  ///   - part: what is damaged: the file, an array's data.
  func error(at location: String, _ part: String = "the HDF5 file is damaged") -> StructuredError {
    switch self {
    case .damaged(let reason):
      StructuredError("\(part): \(reason)", at: location, action: "Copy or download the file again.")
    case .unsupported(let feature, let action):
      StructuredError("\(feature), which is not read here", at: location, action: action)
    }
  }
}

/// Gives the problems that `body` meets their place.
func locatingProblems<Result>(
  at location: String, _ part: String = "the HDF5 file is damaged", _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let problem as HDF5Problem {
    throw problem.error(at: location, part)
  }
}

/// The product of extents; nil where it leaves no room for the arithmetic of bytes.
func checkedProduct(_ factors: some Sequence<Int>) -> Int? {
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard factor >= 0, !overflow, next <= Int.max / 16 else { return nil }
    product = next
  }
  return product
}
