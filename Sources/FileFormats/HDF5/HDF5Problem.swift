import Diagnostics

/// Why a part of an HDF5 file cannot be read.
enum HDF5Problem: Error {
  /// The file is inconsistent or truncated.
  case damaged(String)
  /// The file uses a feature that is not supported; `action` says what to do.
  case unsupported(String, action: String)

  /// The advice for most unsupported features.
  static let repack = "Rewrite the file with \"h5repack -f GZIP=4 IN OUT\", or save its arrays again with h5py."

  /// The error for the user.
  ///
  /// - Parameters:
  ///   - location: the file, or the file and the array.
  ///   - part: the damaged part: the file, or an array's data.
  func error(at location: String, _ part: String = "the HDF5 file is damaged") -> StructuredError {
    switch self {
    case .damaged(let reason):
      StructuredError("\(part): \(reason)", at: location, action: "Copy or download the file again.")
    case .unsupported(let feature, let action):
      StructuredError("\(feature), which is not supported", at: location, action: action)
    }
  }
}

/// Runs `body` and converts an ``HDF5Problem`` to a `StructuredError` with a location.
func locatingProblems<Result>(
  at location: String, _ part: String = "the HDF5 file is damaged", _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let problem as HDF5Problem {
    throw problem.error(at: location, part)
  }
}

/// The product of extents; nil if it is negative or so large that arithmetic with sizes in bytes could overflow.
func checkedProduct(_ factors: some Sequence<Int>) -> Int? {
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard factor >= 0, !overflow, next <= Int.max / 16 else { return nil }
    product = next
  }
  return product
}
