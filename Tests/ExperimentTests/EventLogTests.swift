import Diagnostics
import Experiment
import Foundation
import Testing

@Suite("Event log")
struct EventLogTests {
  private func row(_ step: Int) -> EventLog.Row { .init(step: step, [.init("loss", Double(step) / 3)]) }

  private func write(_ steps: [Int], to path: String, tail: String = "") throws {
    let text = steps.map { row($0).json + "\n" }.joined() + tail
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test("a row is one line of JSON with its keys in the given order")
  func json() {
    let row = EventLog.Row(step: 12, [.init("loss", 1.5), .init("tc", -3), .init("a \"b\"\n", 1e-9)])
    #expect(row.json == #"{"step":12,"loss":1.5,"tc":-3.0,"a \"b\"\u000a":1e-09}"#)
  }

  @Test("what JSON cannot say is null, and a further key says it")
  func notFinite() throws {
    let row = EventLog.Row(step: 0, [.init("loss", .nan), .init("kl", -.infinity)])
    #expect(row.json == #"{"step":0,"loss":null,"loss_not_finite":"nan","kl":null,"kl_not_finite":"-inf"}"#)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(row.json.utf8)) }
  }

  @Test(
    "numbers read back exactly",
    arguments: [
      0.1, 1.0 / 3, 1e300, Double.leastNonzeroMagnitude, -0.0, 123456789.123456789, Double(Float(0.1)), 1e16, 1e22,
    ])
  func exact(value: Double) throws {
    struct Read: Decodable {
      var x: Double
    }
    let json = EventLog.Row(step: 1, [.init("x", value)]).json
    #expect(try JSONDecoder().decode(Read.self, from: Data(json.utf8)).x == value)
  }

  @Test("rows are appended, also by a log that is opened again, and are there before it is closed")
  func append() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl"
      var log = try EventLog(path: path)
      try log.append(row(1))
      try log.append(row(2))
      log = try EventLog(path: path)
      try log.append(row(3))
      try log.synchronize()
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text == [1, 2, 3].map { row($0).json + "\n" }.joined())
    }
  }

  @Test("truncation keeps exactly the rows up to the step", arguments: [0, 10, 25, 30, 99])
  func truncate(step: Int) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl", expected = folder + "/expected.jsonl"
      try write([10, 20, 30], to: path)
      try EventLog.truncate(path: path, afterStep: step)
      try write([10, 20, 30].filter { $0 <= step }, to: expected)
      #expect(FileManager.default.contents(atPath: path) == FileManager.default.contents(atPath: expected))
      #expect(try names(in: folder) == ["expected.jsonl", "metrics.jsonl"])
    }
  }

  @Test(
    "a torn last line is dropped; one that lacks only its end of line is whole",
    arguments: [(#"{"step":30,"lo"#, [10, 20]), ("{", [10, 20]), (#"{"step":30,"loss":10.0}"#, [10, 20, 30])])
  func torn(tail: String, kept: [Int]) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl", expected = folder + "/expected.jsonl"
      try write([10, 20], to: path, tail: tail)
      try EventLog.truncate(path: path, afterStep: 40)
      try write(kept, to: expected)
      #expect(FileManager.default.contents(atPath: path) == FileManager.default.contents(atPath: expected))
    }
  }

  @Test("a resumed log equals an undisturbed one")
  func resume() throws {
    try withTemporaryFolder { folder in
      let undisturbed = folder + "/a.jsonl", resumed = folder + "/b.jsonl"
      try write([1, 2, 3, 4, 5], to: undisturbed)
      try write([1, 2, 3], to: resumed, tail: #"{"step":4,"#)
      try EventLog.truncate(path: resumed, afterStep: 2)
      let log = try EventLog(path: resumed)
      for step in 3...5 { try log.append(row(step)) }
      #expect(FileManager.default.contents(atPath: resumed) == FileManager.default.contents(atPath: undisturbed))
    }
  }

  @Test("a damaged line in the middle is an error with its number, and the file stays as it is")
  func damaged() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl"
      let text = Data("{\"step\":1}\ngarbage\n{\"step\":3}\n".utf8)
      try text.write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: StructuredError.self) { try EventLog.truncate(path: path, afterStep: 1) }
      #expect(error.location == "\(path):2")
      #expect(FileManager.default.contents(atPath: path) == text)
    }
  }

  @Test("a log that is not there has nothing to truncate, and one that cannot be opened is an error")
  func missing() throws {
    try withTemporaryFolder { folder in
      try EventLog.truncate(path: folder + "/none.jsonl", afterStep: 1)
      #expect(try names(in: folder).isEmpty)
      #expect(throws: StructuredError.self) { try EventLog(path: folder) }
      #expect(throws: StructuredError.self) { try EventLog(path: folder + "/none/metrics.jsonl") }
    }
  }

  @Test(
    "a full disk is an error", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "no /dev/full here"))
  func full() throws {
    let log = try EventLog(path: "/dev/full")
    let error = try #require(throws: StructuredError.self) { try log.append(row(1)) }
    #expect(error.what.contains("No space left"))
  }
}
