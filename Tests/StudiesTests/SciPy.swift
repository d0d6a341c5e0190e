import TestSupport
import Testing

/// Numbers that NumPy and SciPy compute from a table, in the same run as ours.
enum SciPy {
  /// Whether they are installed.
  static let isInstalled = PythonScript.has("numpy", "scipy")
  /// Why a test is skipped.
  static let missing: Comment = "python3 with numpy and scipy is not installed"

  private static let prelude = """
    import sys, numpy as np
    from scipy import stats
    table = [np.array([float(value) for value in row.split()]) for row in sys.argv[1].split(";")]
    def show(*values):
      for value in values:
        for number in np.ravel(value): print(repr(float(number)))

    """

  /// Runs a program that finds the rows of the table in `table` and gives numbers and arrays of them to `show`.
  static func numbers(_ program: String, _ table: [[Double]]) throws -> [Double] {
    let text = table.map { $0.map { "\($0)" }.joined(separator: " ") }.joined(separator: ";")
    let (status, output) = try PythonScript.run(prelude + program, text)
    try #require(status == 0, "\(output)")
    return try output.split(separator: "\n").map { try #require(Double($0), "\(output)") }
  }
}
