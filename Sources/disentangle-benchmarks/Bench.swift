import Diagnostics
import Foundation
import TensorCore

/// The state that the benchmarks of one invocation share: a device, its peak, a peer, the rows so far.
final class Bench {
  let options: BenchmarkOptions
  let device: Device
  /// The device's peak rate of multiply-adds, in floating-point operations per second. It is measured at the start and
  /// again after each row, because another program may have been running.
  private(set) var peak: Double
  let peer: Peer?
  private var rows: [Row] = []

  private struct Machine: Encodable {
    var processor: String
    var threads: Int
    var kernels: String
    var openblasCore: String
    var peakGigaflops: Double
    var peer: String?
  }
  private let machine: Machine

  init(_ options: BenchmarkOptions) throws {
    self.options = options
    device = Device(threads: options.threads)
    peak = device.measuredPeak()
    peer = try options.peer.map { [device] in try Peer(command: $0, threads: device.threads) }
    machine = Machine(
      processor: Self.processor, threads: device.threads, kernels: "\(device.level)", openblasCore: Device.blasCore,
      peakGigaflops: peak * 1e-9, peer: peer?.name)
    guard !options.printsReport else { return }
    printLine(
      "\(machine.processor), \(device.threads) threads, \(device.level) kernels, OpenBLAS \(Device.blasCore), "
        + "multiply-add peak \(fixed(peak * 1e-9, 0)) GFLOP/s")
    printLine(peer.map { "peer: \($0.name), tuned malloc" } ?? "no peer: rows have no ratio (--peer COMMAND)")
  }

  /// Measures a task in rounds, alternating with each of the peer's modes.
  ///
  /// - Parameters:
  ///   - name: the name of the row.
  ///   - count: the number of repetitions in a round.
  ///   - request: one repetition of the task for the peer; nil if the peer does not have it.
  ///   - modes: the peer's modes; by default those of the command line.
  ///   - work: runs the task `count` times; also called once before, as warm-up.
  /// - Returns: the row, which the caller may complete before ``add(_:)``.
  func alternate(
    _ name: String, count: Int, request: Peer.Request?, modes: [String]? = nil, _ work: () throws -> [Double]
  ) throws -> Row {
    _ = try work()
    var row = Row(name: name, series: Series())
    var modes = request == nil || peer == nil ? [] : modes ?? options.mode
    var series = [String: Series]()
    for round in 0...options.rounds {
      for mode in modes {
        guard var request, let peer else { break }
        request.mode = mode
        request.count = count
        do {
          let seconds = try peer.time(request)
          if round > 0 { series[mode, default: Series()].seconds += seconds }  // round 0 is warm-up
        } catch let error as StructuredError {
          row.notes.append("\(mode): \(error.what)")
          modes.removeAll { $0 == mode }
        }
      }
      if round > 0 { row.series.seconds += try work() }
    }
    row.comparisons = modes.compactMap { mode in
      series[mode].map { Row.Comparison(mode: mode, series: $0, ratio: $0.median / row.series.median) }
    }
    return row
  }

  /// Measures a task and its memory in rounds, each in a new process, because this process also holds the memory of
  /// earlier rows.
  ///
  /// - Parameters:
  ///   - name: the name of the row.
  ///   - arguments: the arguments of ``IsolatedBenchmark``.
  ///   - request: the same task for the peer, and the name of the comparison; nil if the peer does not have it.
  func isolated(_ name: String, _ arguments: [String], request: (Peer.Request, mode: String)? = nil) throws -> Row {
    var rounds: [IsolatedBenchmark.Result] = []
    var row = Row(name: name, series: Series())
    var compared = Series()
    for _ in 0..<min(3, options.rounds) {
      if let request, let peer { compared.seconds += try peer.time(request.0) }
      rounds.append(try IsolatedBenchmark.run(arguments, threads: device.threads))
    }
    row.series.seconds = rounds.flatMap(\.seconds)
    for (name, value) in rounds.flatMap(\.figures) { row.figures[name] = max(row.figures[name] ?? value, value) }
    if let request, !compared.seconds.isEmpty {
      row.comparisons = [
        Row.Comparison(mode: request.mode, series: compared, ratio: compared.median / row.series.median)
      ]
    }
    return row
  }

  /// Adds a finished row, and prints it unless the output is JSON.
  func add(_ row: Row) {
    rows.append(row)
    peak = max(peak, device.measuredPeak(attempts: 3))
    if !options.printsReport { printLine(row.text(peak: peak)) }
  }

  /// Prints the report, if one was requested.
  func finish() {
    if options.markdown { return printTable() }
    guard options.json else { return }
    struct Report: Encodable {
      var machine: Machine
      var rows: [Row]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var machine = machine
    machine.peakGigaflops = peak * 1e-9
    let report = Report(machine: machine, rows: rows)
    if let json = try? encoder.encode(report) { printLine(String(decoding: json, as: UTF8.self)) }
  }

  /// The machine in a sentence, and a table of the rows; durations are medians.
  private func printTable() {
    printLine(
      "\(machine.processor), \(device.threads) threads, \(device.level) kernels, multiply-add peak "
        + "\(fixed(peak * 1e-9, 0)) GFLOP/s\(peer.map { "; peer: \($0.name)" } ?? "").\n")
    let modes = rows.flatMap { $0.comparisons.map(\.mode) }.reduce(into: [String]()) { modes, mode in
      if !modes.contains(mode) { modes.append(mode) }
    }
    printLine("| " + (["work", "time", "of peak"] + modes).joined(separator: " | ") + " |")
    printLine("| :--- | ---: | ---: |" + modes.map { _ in " ---: |" }.joined())
    for row in rows { printLine(row.cells(peak: peak, modes: modes)) }
  }

  /// The processor's name in `/proc/cpuinfo`.
  private static var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name?.trimmingCharacters(in: .whitespaces) ?? "processor"
  }
}

/// Prints a line without buffering, also into a pipe.
func printLine(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The peak resident memory of this process, in bytes.
func peakMemory() -> Int { memory("VmHWM") }

/// The resident memory of this process that is mapped from files, such as program code, in bytes.
func mappedMemory() -> Int { memory("RssFile") }

/// The resident memory of this process, in bytes.
func residentMemory() -> Int { memory("VmRSS") }

private func memory(_ field: String) -> Int {
  let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
  let words = (lines.first { $0.hasPrefix(field + ":") } ?? "").split { $0 == " " || $0 == "\t" }
  return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 1024
}
