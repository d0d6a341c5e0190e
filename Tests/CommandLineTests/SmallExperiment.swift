import FileFormats
import Foundation
import TestSupport

/// A folder with a data set of 512 small pictures and a configuration that trains in a second or two.
struct SmallExperiment {
  /// Where everything is.
  let folder: TemporaryFolder

  /// Draws the data and writes `data.h5` and `config.yaml`.
  init(steps: Int = 100, checkpointEvery: Int = 100, logEvery: Int = 10) throws {
    folder = try TemporaryFolder()
    try Self.write(images: Self.images, to: folder.file("data.h5"))
    let yaml = """
      name: small
      seed: 3
      dataset:
        name: file
        path: data.h5
      model:
        latents: 4
      objective:
        name: beta-tcvae
      training:
        steps: \(steps)
        batch_size: 2
        checkpoint_every: \(checkpointEvery)
        log_every: \(logEvery)
      report:
        samples: 200
        distortion_images: 100

      """
    _ = try folder.write(yaml.utf8, as: "config.yaml")
  }

  /// Eight sizes of a square at 8 × 8 places, [512, 64, 64].
  static let images: [UInt8] = {
    var pixels = [UInt8](repeating: 0, count: 512 * 4096)
    for n in 0..<512 {
      let side = 5 + n / 64, left = 4 + 6 * (n % 8), top = 4 + 6 * (n / 8 % 8)
      for y in top..<top + side { for x in left..<left + side { pixels[n * 4096 + y * 64 + x] = 1 } }
    }
    return pixels
  }()

  /// Writes images [N, 64, 64] and the factors of as many of the squares.
  static func write(images: [UInt8], to path: String) throws {
    let file = try HDF5Writer(), count = images.count / 4096
    try file.write("images", images, shape: [count, 64, 64])
    try file.write("factors", (0..<count).flatMap { [$0 / 64, $0 / 8 % 8, $0 % 8] }, shape: [count, 3])
    try file.save(to: path)
  }

  /// Everything in the folder and below: path and content; nil for a folder.
  func snapshot() throws -> [String: Data?] {
    var files: [String: Data?] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      files[name] = .some(FileManager.default.contents(atPath: folder.file(name)))
    }
    return files
  }

  /// The results of a study's runs by their digests, without what says when, where and how fast.
  func results(_ study: String) throws -> [String: String] {
    let runs = folder.file("\(study)/runs")
    var found: [String: String] = [:]
    for digest in (try? FileManager.default.contentsOfDirectory(atPath: runs)) ?? [] {
      guard let data = FileManager.default.contents(atPath: "\(runs)/\(digest)/result.json") else { continue }
      guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { continue }
      let same = object.filter { !["training_seconds", "measuring_seconds", "host", "finished"].contains($0.key) }
      found[digest] = String(
        decoding: try JSONSerialization.data(withJSONObject: same, options: .sortedKeys), as: UTF8.self)
    }
    return found
  }

  /// The content of a file.
  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.file(name))) }

  /// The rows of a run's metrics without what depends on the clock; one that is torn has no `step`.
  func metrics(of run: String) throws -> [[String: Double]] {
    try data("\(run)/metrics.jsonl").split(separator: UInt8(ascii: "\n")).map { line in
      let object = try JSONSerialization.jsonObject(with: line) as? [String: Double] ?? [:]
      return object.filter { !["seconds", "images_per_second"].contains($0.key) }
    }
  }

  /// The number of steps that a run's checkpoint says were made.
  func checkpointStep(of run: String) throws -> Int? {
    try Safetensors(reading: folder.file("\(run)/checkpoint.safetensors")).metadata["step"].flatMap { Int($0) }
  }

  /// The name of a file of a run that is there but not whole; nil if all are.
  func tornFile(in run: String) throws -> String? {
    guard FileManager.default.fileExists(atPath: folder.file(run)) else { return nil }
    // Hidden files are those in the making, by design of no meaning until they have their names.
    return try FileManager.default.subpathsOfDirectory(atPath: folder.file(run)).filter { name in
      var isFolder: ObjCBool = false
      return !name.split(separator: "/").contains { $0.hasPrefix(".") }
        && FileManager.default.fileExists(atPath: folder.file("\(run)/\(name)"), isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    .first { name in try !isWhole("\(run)/\(name)") }
  }

  private func isWhole(_ name: String) throws -> Bool {
    let data = try data(name)
    switch (name as NSString).pathExtension {
    case "safetensors": return (try? Safetensors(reading: folder.file(name))) != nil
    case "json": return (try? JSONSerialization.jsonObject(with: data)) != nil
    case "jsonl":
      return (data.isEmpty || data.last == UInt8(ascii: "\n"))
        && data.split(separator: UInt8(ascii: "\n")).allSatisfy { (try? JSONSerialization.jsonObject(with: $0)) != nil }
    case "h5": return (try? HDF5File(reading: folder.file(name)).arrayPaths()) != nil
    case "png": return data.starts(with: [0x89, 0x50, 0x4e, 0x47]) && data.suffix(8).starts(with: Data("IEND".utf8))
    case "yaml": return data.starts(with: Data("name: small\n".utf8)) && data.last == UInt8(ascii: "\n")
    case "md": return data.starts(with: Data("# small".utf8)) && data.last == UInt8(ascii: "\n")
    case "svg": return String(decoding: data.suffix(16), as: UTF8.self).contains("</svg>")
    case "html": return String(decoding: data.suffix(16), as: UTF8.self).contains("</html>")
    case "pdf":
      return data.starts(with: Data("%PDF".utf8)) && String(decoding: data.suffix(8), as: UTF8.self).contains("%%EOF")
    case "gif": return data.starts(with: Data("GIF89a".utf8)) && data.last == UInt8(ascii: ";")
    case "lock": return true
    default: return false
    }
  }
}
