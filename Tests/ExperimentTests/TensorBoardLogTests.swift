import Diagnostics
import Experiment
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite("TensorBoard log")
struct TensorBoardLogTests {
  private static let hasTensorBoard = PythonScript.has("tensorboard")

  private func row(_ step: Int) -> EventLog.Row {
    .init(step: step, [.init("loss", Double(step) / 3), .init("total_correlation_mws", -0.5)])
  }

  private func write(_ steps: [Int], to path: String) throws {
    let log = try TensorBoardLog(path: path)
    for step in steps { try log.append(row(step)) }
  }

  /// An event file without its wall times, which are those of the clock.
  private func timeless(_ path: String) throws -> [[UInt8]] {
    let bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
    return try RecordFile.records(in: bytes, location: path).map { Array($0.record.dropFirst(9)) }
  }

  @Test(
    "TensorBoard's own reader finds scalars and pictures at their steps",
    .enabled(if: hasTensorBoard, "needs tensorboard"))
  func reading() throws {
    let folder = try TemporaryFolder(), path = folder.file("events.out.tfevents")
    let canvas: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 1, 2, 3]
    let before = Date().timeIntervalSince1970
    let log = try TensorBoardLog(path: path)
    try log.append(row(100))
    try log.append([.init(tag: "reconstructions", png: Data(canvas), width: 30, height: 20)], step: 100)
    try log.append([], step: 150)
    try log.append(row(70_000_000_000))
    try log.append(EventLog.Row(step: 70_000_000_001, [.init("loss", .nan)]))
    try log.synchronize()
    let after = Date().timeIntervalSince1970
    let (status, output) = try PythonScript.run(
      """
      import sys, json
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      from tensorboard.backend.event_processing import plugin_event_accumulator
      a = EventAccumulator(sys.argv[1]); a.Reload()
      assert a.Tags()["scalars"] == ["loss", "total_correlation_mws"], a.Tags()
      loss = a.Scalars("loss")
      assert [e.step for e in loss] == [100, 70000000000, 70000000001]
      assert abs(loss[0].value - 100 / 3) < 1e-5 and loss[2].value != loss[2].value
      assert a.Scalars("total_correlation_mws")[1].value == -0.5
      assert float(sys.argv[2]) <= loss[0].wall_time <= loss[1].wall_time <= float(sys.argv[3])
      [image] = a.Images("reconstructions")
      assert (image.step, image.width, image.height) == (100, 30, 20)
      assert image.encoded_image_string == bytes([0x89, 0x50, 0x4E, 0x47, 1, 2, 3])
      # What the web page reads through.
      b = plugin_event_accumulator.EventAccumulator(sys.argv[1]); b.Reload()
      assert len(b.Tensors("loss")) == 3 and len(b.Tensors("reconstructions")) == 1
      print("read")
      """, folder.path, "\(before)", "\(after)")
    #expect(status == 0 && output.hasSuffix("read\n"), "\(output)")
  }

  @Test(
    "Truncation keeps exactly the events up to the step, and what follows joins on", arguments: [0, 10, 25, 30, 300])
  func truncate(step: Int) throws {
    let folder = try TemporaryFolder(), path = folder.file("cut"), expected = folder.file("expected")
    // Steps of one, two and more bytes.
    let steps = [10, 20, 30, 200, 40_000]
    try write(steps, to: path)
    try TensorBoardLog.truncate(path: path, afterStep: step)
    try write([500], to: path)
    try write(steps.filter { $0 <= step } + [500], to: expected)
    #expect(try timeless(path) == timeless(expected))
  }

  @Test("A torn event at the end goes, wherever it is torn", arguments: [1, 8, 11, 12, 40])
  func torn(left: Int) throws {
    let folder = try TemporaryFolder(), path = folder.file("events"), expected = folder.file("expected")
    try write([10], to: expected)
    try write([10], to: path)
    let whole = try #require(FileManager.default.contents(atPath: path))
    try write([20], to: path)
    let both = try #require(FileManager.default.contents(atPath: path))
    try both.prefix(whole.count + left).write(to: URL(fileURLWithPath: path))
    try TensorBoardLog.truncate(path: path, afterStep: 99)
    #expect(FileManager.default.contents(atPath: path) == whole)
  }

  @Test("A file cut down to nothing begins anew with its version, and one that is not there stays away")
  func empty() throws {
    let folder = try TemporaryFolder(), path = folder.file("events"), fresh = folder.file("fresh")
    try TensorBoardLog.truncate(path: path, afterStep: 5)
    #expect(try folder.names().isEmpty)
    _ = try folder.write([1, 2, 3], as: "events")
    try TensorBoardLog.truncate(path: path, afterStep: 5)
    try write([10], to: path)
    try write([10], to: fresh)
    #expect(try timeless(path) == timeless(fresh))
  }

  @Test("A damaged file and a folder that is not there are errors that say so")
  func errors() throws {
    let folder = try TemporaryFolder(), path = folder.file("events")
    try write([10], to: path)
    var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
    bytes[20] ^= 1
    _ = try folder.write(bytes, as: "events")
    let damaged = #expect(throws: StructuredError.self) { try TensorBoardLog.truncate(path: path, afterStep: 1) }
    #expect(damaged?.description.contains("events: the record at byte 0 is damaged") == true)
    let missing = #expect(throws: StructuredError.self) { try TensorBoardLog(path: "/nowhere/events") }
    #expect(
      missing?.description == "/nowhere/events: cannot open the TensorBoard events: No such file or directory")
  }

  @Test("A full disk is an error, and the file is as it was")
  func full() throws {
    let error = #expect(throws: StructuredError.self) { try TensorBoardLog(path: "/dev/full") }
    #expect(error?.description == "/dev/full: cannot write the TensorBoard events: No space left on device")
  }
}
