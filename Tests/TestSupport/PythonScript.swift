import Foundation

/// Short Python programs that read our files back with the field's own libraries.
public enum PythonScript {
  /// Whether `python3` can import these modules.
  public static func has(_ modules: String...) -> Bool {
    (try? run("import \(modules.joined(separator: ", "))"))?.status == 0
  }

  /// Runs a program and returns what it printed.
  public static func run(_ source: String, _ arguments: String...) throws -> (status: Int32, output: String) {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", source] + arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  /// Validates and executes a notebook, sees to it that no cell fails or complains, and then runs `checks`, which finds the
  /// notebook as `notebook`, its file as `path` and everything that its cells put out as `outputs`.
  public static func execute(notebook path: String, checks: String) throws -> (status: Int32, output: String) {
    try run(
      """
      import json, sys, nbformat
      from nbconvert.preprocessors import ExecutePreprocessor
      path = sys.argv[1]
      notebook = nbformat.read(path, 4)
      nbformat.validate(notebook)
      ExecutePreprocessor(timeout=200).preprocess(notebook, {"metadata": {"path": path.rpartition("/")[0]}})
      outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
      assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"], outputs
      \(checks)
      """, path)
  }
}
