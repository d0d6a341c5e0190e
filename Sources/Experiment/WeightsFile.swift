import Diagnostics
import FileFormats
import Foundation
import NeuralLayers
import TensorCore

/// The weights of a model as float32 in PyTorch's layouts, in a safetensors file that Python reads.
///
/// The file's metadata say what they are of: `architecture`, `latents`, `likelihood`, `image` (height × width × channels),
/// the `layout` of names (``WeightsLayout``), and the resolved `configuration`; for a Gaussian likelihood also its
/// `standard_deviation`, which the objective may have calibrated, and for deterministic codes the `codebook`, the values of
/// each latent as JSON; `format_version` is 1, and `format` is "pt",
/// which tells Python's transformers library that the layouts are PyTorch's.
public enum WeightsFile {
  private static let deviationKey = "standard_deviation"
  private static let codebookKey = "codebook"
  /// The value of the metadata's `generator`.
  static let generator = "disentangle"

  /// The bytes of a file.
  ///
  /// - Parameters:
  ///   - model: whose weights.
  ///   - configuration: the resolved configuration of its run.
  ///   - layout: how tensors are named and ordered.
  /// - Throws: `StructuredError` if the layout has no names for the architecture, or a weight is not finite.
  public static func data(
    of model: Model, configuration: String, layout: WeightsLayout = .disentangle
  ) throws -> Data {
    let tensors = try layout.tensors(of: model).map { tensor in
      let values = tensor.values
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw StructuredError(
          "the weights \(tensor.name) are not finite: \(values[place]) at \(position(place, in: tensor.shape))",
          expected: "finite weights", action: "Check that training did not diverge.")
      }
      return Safetensors.Tensor(tensor.name, shape: tensor.shape, values: values)
    }
    var metadata = [
      "format": "pt", "format_version": "1", "generator": generator, "architecture": model.architecture.name,
      "latents": "\(model.latents)", "likelihood": model.likelihood.name, "image": "\(model.image)",
      "layout": layout.rawValue, "configuration": configuration,
    ]
    if case .gaussian(let deviation) = model.likelihood { metadata[deviationKey] = "\(deviation)" }
    if let codebook = model.codebook {
      let rows = (0..<codebook.latents).map { Array(codebook.values[$0 * codebook.count..<($0 + 1) * codebook.count]) }
      metadata[codebookKey] = "\(rows)"
    }
    return try Safetensors.data(tensors, metadata: metadata)
  }

  /// Writes the weights, whole or not at all.
  ///
  /// - Throws: `StructuredError` as ``data(of:configuration:layout:)``, or if the file cannot be written.
  public static func write(
    _ model: Model, configuration: String, layout: WeightsLayout = .disentangle, to path: String, overwrite: Bool = true
  ) throws {
    let data = try data(of: model, configuration: configuration, layout: layout)
    try AtomicFile.write(data, to: path, overwrite: overwrite)
  }

  /// Reads weights into a model.
  ///
  /// - Parameters:
  ///   - model: whose parameters are overwritten, if everything is as it should be.
  ///   - path: the file.
  /// - Throws: `StructuredError` if the file is damaged, and for every tensor that is not as the model needs it.
  public static func read(into model: Model, from path: String) throws {
    let file = try Safetensors(reading: path)
    try read(into: model, from: file, layout: .disentangle)
    try calibrate(model, by: file)
  }

  /// Gives a model with a Gaussian likelihood the standard deviation that a file of this program's states, and one of
  /// deterministic codes its codebook.
  ///
  /// - Throws: `StructuredError` if the one is not a positive number, or the other not a list of values for each latent.
  static func calibrate(_ model: Model, by file: Safetensors) throws {
    if let text = file.metadata[codebookKey] {
      let rows = (try? JSONDecoder().decode([[Float]].self, from: Data(text.utf8))) ?? []
      guard rows.count == model.latents, let count = rows.first?.count, count >= 2,
        rows.allSatisfy({ $0.count == count && $0.allSatisfy(\.isFinite) })
      else {
        throw StructuredError(
          "the metadata's \(codebookKey) is \"\(text.prefix(80))\"", at: file.path,
          expected: "\(model.latents) lists of equally many numbers, at least 2")
      }
      model.codebook = Codebook(rows.flatMap { $0 }, latents: model.latents)
    }
    guard case .gaussian = model.likelihood, let text = file.metadata[deviationKey] else { return }
    guard let deviation = Float(text), deviation.isFinite, deviation > 0 else {
      throw StructuredError(
        "the metadata's \(deviationKey) is \"\(text.prefix(80))\"", at: file.path, expected: "a positive number")
    }
    model.likelihood = .gaussian(standardDeviation: deviation)
  }

  /// Sets a model's parameters to the tensors of a file.
  ///
  /// - Parameters:
  ///   - model: whose parameters are overwritten, if everything is as it should be.
  ///   - file: the file; floating-point numbers of any width are taken.
  ///   - layout: how its tensors are named and ordered.
  ///   - advice: what to do about an error, if that is known; it stands in place of a long list.
  /// - Throws: `StructuredError` that lists every tensor that is missing, unknown, of another shape or type, or not
  ///   finite.
  package static func read(
    into model: Model, from file: Safetensors, layout: WeightsLayout, advice: () -> String? = { nil }
  ) throws {
    let tensors = try layout.tensors(of: model, in: file)
    let ignored = layout.ignoredNames(beside: tensors)
    var problems = unexpectedTensors(in: file, beside: tensors.map(\.name), ignoring: ignored)
    var arrays: [[Float]] = []
    for tensor in tensors {
      do { arrays.append(try values(of: tensor, in: file)) } catch let problem as StructuredError {
        problems.append(problem)
      }
    }
    // All is read and checked: only now does anything change.
    guard !problems.isEmpty else {
      for (tensor, values) in zip(tensors, arrays) { tensor.set(values) }
      return
    }
    let advice = advice()
    var lines: [String] = []
    // Where everything is wrong and it is known why, a long list would only hide that.
    if problems.count > 1, problems.count <= mostProblems || advice == nil {
      lines = problems.prefix(mostProblems).map { "\($0)" }
      if problems.count > mostProblems { lines.append("and \(problems.count - mostProblems) more") }
    }
    if let advice { lines.append(advice) }
    throw StructuredError(
      problems.count == 1 ? problems[0].what : "\(problems.count) tensors are not as they should be", at: file.path,
      expected: problems.count == 1
        ? problems[0].expected
        : "the \(tensors.count) tensors of \(model.architecture.name) with \(model.latents) "
          + "\(model.latents == 1 ? "latent" : "latents") for images of \(model.image), layout \(layout.rawValue)",
      action: lines.isEmpty ? nil : lines.joined(separator: "\n  "))
  }

  /// Whether a file has just the tensors of a model, by names and shapes.
  static func fits(_ file: Safetensors, _ model: Model, _ layout: WeightsLayout) -> Bool {
    guard let tensors = try? layout.tensors(of: model, in: file) else { return false }
    let ignored = layout.ignoredNames(beside: tensors)
    let entries = file.entries.filter { !ignored.contains($0.name) }
    guard tensors.count == entries.count else { return false }
    let shapes = Dictionary(entries.map { ($0.name, $0.shape) }) { first, _ in first }
    return tensors.allSatisfy { shapes[$0.name] == $0.shape }
  }

  /// How many problems an error lists.
  private static let mostProblems = 20
  /// Names of more bytes are not meant, and not shown in full.
  private static let longestName = 200

  /// A problem for each tensor of the file that the model does not have.
  private static func unexpectedTensors(
    in file: Safetensors, beside names: [String], ignoring ignored: Set<String>
  ) -> [StructuredError] {
    let known = ignored.union(names), there = Set(file.entries.map(\.name))
    let missing = names.filter { !there.contains($0) }
    return file.entries.filter { !known.contains($0.name) }.enumerated().map { index, entry in
      guard entry.name.utf8.count <= longestName else {
        return StructuredError("the tensor \"\(entry.name.prefix(longestName))…\" is not one of the model's")
      }
      let isShown = index < mostProblems
      let nearest =
        isShown ? nearestName(to: entry.name, among: missing) ?? nearestName(to: entry.name, among: names) : nil
      return StructuredError(
        "the tensor \"\(entry.name)\" is not one of the model's", expected: nearest.map { "perhaps \"\($0)\"" })
    }
  }

  private static func values(of tensor: PortableTensor, in file: Safetensors) throws -> [Float] {
    let wanted = "float32 \(tensor.shape)"
    guard let entry = file.entries.first(where: { $0.name == tensor.name }) else {
      let names = file.entries.prefix(1_000).map(\.name).filter { $0.utf8.count <= longestName }
      let nearest = nearestName(to: tensor.name, among: names)
      throw StructuredError(
        "the tensor \"\(tensor.name)\" is missing"
          + (nearest.map { "; the nearest name in the file is \"\($0)\"" } ?? ""), expected: wanted)
    }
    guard [.f64, .f32, .f16, .bf16].contains(entry.type) else {
      throw StructuredError(
        "the tensor \"\(tensor.name)\" holds \(entry.type.rawValue)",
        expected: "F32, or other floating-point numbers")
    }
    guard entry.shape == tensor.shape else {
      throw StructuredError("the tensor \"\(tensor.name)\" has shape \(entry.shape)", expected: wanted)
    }
    let values = try file.floats(tensor.name)
    guard let first = values.firstIndex(where: { !$0.isFinite }) else { return values }
    let count = values.count { !$0.isFinite }
    throw StructuredError(
      "the tensor \"\(tensor.name)\" has \(count) \(count == 1 ? "value that is" : "values that are") not finite, "
        + "\(values[first]) at \(position(first, in: tensor.shape))", expected: "finite numbers")
  }

  /// Where in an array an element stands: `[0, 2, 1]`.
  private static func position(_ place: Int, in shape: [Int]) -> [Int] {
    var rest = place, indices: [Int] = []
    for extent in shape.reversed() {
      indices.insert(rest % extent, at: 0)
      rest /= extent
    }
    return indices
  }
}
