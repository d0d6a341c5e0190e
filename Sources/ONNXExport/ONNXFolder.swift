import Diagnostics
import Experiment
import FileFormats
import Foundation

/// A folder with both networks of a model, `encoder.onnx` and `decoder.onnx`.
public enum ONNXFolder {
  private static let kind = FolderKind("ONNX model", requiredFiles: Set(ONNXNetwork.allCases.map(\.fileName)))

  /// Makes sure that ``write(_:name:configuration:to:overwrite:)`` may begin.
  ///
  /// - Throws: `StructuredError` if something is there that may not be replaced, or the folder above it is missing.
  public static func requireWritable(_ path: String, overwrite: Bool) throws {
    if path.hasSuffix(".onnx") {
      throw StructuredError(
        "two networks do not go into one file", at: path, expected: "the name of a folder",
        action: "Pass --only encoder or --only decoder for a file.")
    }
    try AtomicFolder.requireWritable(path, as: kind)
    guard overwrite || !FileManager.default.fileExists(atPath: path) else {
      throw StructuredError("the folder already exists", at: path, action: "Choose another name or pass --force.")
    }
  }

  /// Writes the folder, whole or not at all.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - name: what its run is called.
  ///   - configuration: the run's resolved configuration.
  ///   - path: the folder.
  ///   - overwrite: whether such a folder is replaced if it is there.
  /// - Throws: `StructuredError` as ``requireWritable(_:overwrite:)``, or if a weight is not finite.
  public static func write(
    _ model: Model, name: String, configuration: String, to path: String, overwrite: Bool = false
  ) throws {
    try requireWritable(path, overwrite: overwrite)
    let files = try ONNXNetwork.allCases.map { network in
      (name: network.fileName, data: try network.data(of: model, name: name, configuration: configuration))
    }
    try AtomicFolder.write(files, to: path, as: kind)
  }
}
