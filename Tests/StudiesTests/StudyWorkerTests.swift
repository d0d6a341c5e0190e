import Diagnostics
import Experiment
import FileFormats
import Foundation
import RateDecomposition
import StrictConfiguration
import Synchronization
import TensorCore
import TestSupport
import Testing

@testable import Studies

/// A study of small runs in a folder of its own.
struct SmallStudy {
  let folder: TemporaryFolder
  let plan: StudyPlan

  init(_ more: String = "", seeds: String = "[1, 2, 3]", steps: Int = 6) throws {
    folder = try TemporaryFolder()
    let file = try HDF5Writer()
    let pixels = (0..<32 * 4096).map { UInt8(($0 / 4096 + 1) % (1 + $0 % 7) == 0 ? 1 : 0) }
    try file.write("images", pixels, shape: [32, 64, 64])
    try file.write("factors", (0..<32).flatMap { [$0 / 8, $0 % 8] }, shape: [32, 2])
    try file.save(to: folder.file("data.h5"))
    let configuration = try folder.write(
      """
      dataset: {name: file, path: \(folder.file("data.h5"))}
      model: {architecture: burgess, latents: 2}
      objective: {name: beta-vae}
      training: {steps: \(steps), batch_size: 4, checkpoint_every: 2, log_every: 2}
      report: {samples: 20, distortion_images: 8}
      """.utf8, as: "c.yaml")
    plan = try StudyPlan(
      ConfigurationDocument(
        yaml: "name: small\nconfiguration: \(configuration)\nseeds: \(seeds)\n\(more)", source: "study.yaml"),
      components: Components())
  }

  var path: String { folder.file("study") }

  func open() throws -> StudyFolder { try StudyFolder(for: plan, at: path) }

  /// A decomposition of the posteriors of no model in particular, cheap to make.
  static let measuring: StudyWorker.Measuring = { run, dataset, device in
    let model = try run.model(for: dataset, on: device)
    let codes = (0..<64).map { Float($0 % 7) / 4 }
    let table = try PosteriorTable(
      means: codes, logVariances: codes.map { -1 - $0 }, latents: 2, location: "test")
    var options = RateDecomposition.Options()
    options.samples = 20
    let decomposition = try RateDecomposition(of: IntegratedPosterior(table, on: device), options: options)
    let sum = model.parameters.values.elements.reduce(0.0) { $0 + Double($1) }
    return .init(decomposition: decomposition, scores: [.init("sum", sum)])
  }

  func worker(
    _ options: StudyWorker.Options = .init(), stop: StopRequest = StopRequest(),
    measure: @escaping StudyWorker.Measuring = Self.measuring,
    observe: @escaping @Sendable (StudyWorker.Event) -> Void = { _ in }
  ) throws -> StudyWorker {
    StudyWorker(
      plan, in: try open(), components: Components(), datasets: SharedDatasets(), options: options, stop: stop,
      measure: measure, observe: observe)
  }

  func results() throws -> [RunResult] { try open().results(plan.runs.map(\.digest)).results }
}

@Suite("Workers on a study")
struct StudyWorkerTests {
  private func sums(_ study: SmallStudy) throws -> [Double?] { try study.results().map { $0.scores[0].value } }

  private func files(_ study: SmallStudy, _ run: Int = 0) throws -> Set<String> {
    let path = study.path + "/runs/" + study.plan.runs[run].digest
    return Set(try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") })
  }

  @Test("Two workers at once train each run once, with the bits of one worker")
  func together() throws {
    let alone = try SmallStudy(), both = try SmallStudy()
    #expect(try alone.worker().work() == .complete)
    let finished = Mutex<[String]>([]), endings = Mutex<[StudyWorker.Ending?]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      let ending = try? both.worker(observe: { event in
        if case .finished(let run, _) = event { finished.withLock { $0.append(run.digest) } }
      }).work()
      endings.withLock { $0.append(ending) }
    }
    #expect(endings.withLock { $0 } == [.complete, .complete])
    #expect(finished.withLock { $0.sorted() } == both.plan.runs.map(\.digest).sorted())
    #expect(try sums(both) == sums(alone) && Set(sums(both)).count == 3)
    let claims = try FileManager.default.contentsOfDirectory(atPath: both.path + "/claims")
    #expect(claims.allSatisfy { $0.hasPrefix(".") })
    let result = try #require(try both.results().first)
    #expect(result.steps == 6 && result.threads == 1 && result.dataset == "file" && result.objective == "beta-vae")
    #expect(result.trainingSeconds > 0 && result.measuringSeconds > 0)
  }

  @Test("Workers that begin at the same moment open one folder")
  func beginning() throws {
    for _ in 0..<20 {
      let study = try SmallStudy(), plan = study.plan, path = study.path
      let opened = try ParallelMap.map(Array(0..<640)) { _ in try StudyFolder(for: plan, at: path).path }
      #expect(opened.count == 640)
    }
  }

  @Test("A worker that is asked to stop saves its run; the next one ends with the same bits")
  func stopping() throws {
    let undisturbed = try SmallStudy(steps: 9), study = try SmallStudy(steps: 9)
    #expect(try undisturbed.worker().work() == .complete)
    let stop = StopRequest()
    let ending = try study.worker(
      stop: stop,
      observe: { event in if case .advanced(_, 5, _) = event { stop.ask(for: SIGTERM) } }
    ).work()
    #expect(ending == .stopped)
    let state = try study.open().state(of: study.plan.runs[0].digest, patience: 300)
    #expect(state == .interrupted)
    let begun = Mutex<[Int]>([])
    #expect(
      try study.worker(observe: { event in
        if case .began(_, _, let after) = event { begun.withLock { $0.append(after) } }
      }).work() == .complete)
    #expect(begun.withLock { $0 } == [6, 0, 0])
    #expect(try sums(study) == sums(undisturbed))
  }

  @Test("A run that fails is noted with its error, the others go on, and only a retry tries it again")
  func failing() throws {
    let study = try SmallStudy(), first = study.plan.runs[0].digest
    let failing: StudyWorker.Measuring = { run, dataset, device in
      if run.folder.path.hasSuffix(first) { throw StructuredError("no luck", at: "here") }
      return try SmallStudy.measuring(run, dataset, device)
    }
    #expect(try study.worker(measure: failing).work() == .complete)
    let folder = try study.open()
    #expect(try study.results().count == 2 && folder.readFailure(first).error.contains("no luck"))
    let status = StudyStatus(of: study.plan, in: folder, patience: 300)
    #expect(status.summary == "2 of 3 runs finished, 1 failed" && !status.isComplete)
    // Without a retry nothing changes, and nothing is tried.
    #expect(try study.worker(observe: { Issue.record("\($0)") }).work() == .complete)
    var options = StudyWorker.Options()
    options.retries = true
    #expect(try study.worker(options, measure: failing).work() == .complete)
    #expect(folder.hasFailed(first))
    #expect(try study.worker(options).work() == .complete)
    #expect(try study.results().count == 3 && !folder.hasFailed(first))
  }

  @Test("No run is begun after the budget is used, and a larger one continues")
  func budget() throws {
    let study = try SmallStudy("budget: {core_hours: 1e-9}")
    #expect(study.plan.yaml.contains("core_hours"))
    // Before the first run nothing is used.
    #expect(try study.worker().work() == .spent)
    #expect(try study.results().count == 1)
    #expect(try study.worker(observe: { Issue.record("\($0)") }).work() == .spent)
    let large = try SmallStudy("budget: {core_hours: 1000}")
    #expect(try large.worker().work() == .complete && large.results().count == 3)
  }

  @Test("A worker whose files cannot be written stops, and blames no run")
  func storage() throws {
    let study = try SmallStudy()
    let full: StudyWorker.Measuring = { _, _, _ in
      throw StructuredError("cannot write the file: \(String(cString: strerror(ENOSPC)))", at: "x")
    }
    guard case .stuck(let reason) = try study.worker(measure: full).work() else {
      Issue.record("the worker went on")
      return
    }
    #expect(reason.contains("No space left on device"))
    let folder = try study.open()
    #expect(study.plan.runs.allSatisfy { !folder.hasFailed($0.digest) })
    #expect(try study.worker().work() == .complete && study.results().count == 3)
  }

  @Test("Runs that another study finished are taken over, unless it measured other metrics")
  func takingOver() throws {
    let first = try SmallStudy(), second = try SmallStudy(), data = first.folder.file("data.h5")
    #expect(try first.worker().work() == .complete)
    // The same data at the same place: the path is part of a configuration.
    let plan = first.plan, path = second.folder.file("second")
    let elsewhere = try FinishedElsewhere(in: [first.path], components: Components())
    #expect(elsewhere.count == 3 && FileManager.default.fileExists(atPath: data))
    let begun = Mutex(0)
    func work(_ plan: StudyPlan, at path: String) throws -> [RunResult] {
      var options = StudyWorker.Options()
      options.elsewhere = elsewhere
      let folder = try StudyFolder(for: plan, at: path)
      let worker = StudyWorker(
        plan, in: folder, components: Components(), datasets: SharedDatasets(), options: options, stop: StopRequest(),
        measure: SmallStudy.measuring, observe: { if case .began = $0 { begun.withLock { $0 += 1 } } })
      #expect(try worker.work() == .complete)
      return folder.results(plan.runs.map(\.digest)).results
    }
    #expect(try work(plan, at: path) == first.results() && begun.withLock { $0 } == 0)
    let yaml = plan.yaml.replacingOccurrences(of: "measure: {}", with: "measure: {metrics: {metrics: [mig]}}")
    let other = try StudyPlan(ConfigurationDocument(yaml: yaml, source: "other"), components: Components())
    #expect(yaml != plan.yaml && other.runs.map(\.digest) == plan.runs.map(\.digest))
    #expect(try work(other, at: second.folder.file("third")).count == 3 && begun.withLock { $0 } == 3)
  }

  @Test("A folder without a finished run cannot be taken over from")
  func nothingToTakeOver() throws {
    let folder = try TemporaryFolder()
    for path in [folder.path, folder.file("nowhere")] {
      let error = #expect(throws: StructuredError.self) { try FinishedElsewhere(in: [path], components: Components()) }
      #expect("\(try #require(error))".contains("there is no finished run"))
    }
  }

  @Test("A limit ends a worker early")
  func limit() throws {
    let study = try SmallStudy()
    var options = StudyWorker.Options()
    options.limit = 2
    #expect(try study.worker(options).work() == .complete && study.results().count == 2)
  }

  @Test(
    "Of a finished run what the study asks for is kept",
    arguments: [
      ("weights", ["weights.safetensors"]), ("posteriors", ["weights.safetensors"]), ("nothing", []),
    ])
  func keeping(keep: String, expected: [String]) throws {
    let study = try SmallStudy("keep: \(keep)", seeds: "[1]")
    #expect(try study.worker().work() == .complete)
    // The measuring of this test writes no posteriors.
    let always: Set = ["config.yaml", "environment.json", "metrics.jsonl", "result.json", "run.lock"]
    #expect(try files(study) == always.union(expected))
    // What is finished stays so without its weights.
    #expect(try study.worker(observe: { Issue.record("\($0)") }).work() == .complete)
  }

  @Test("A damaged result is named, and the others are read")
  func damaged() throws {
    let study = try SmallStudy(), folder = try study.open()
    #expect(try study.worker().work() == .complete)
    let digests = study.plan.runs.map(\.digest)
    try Data("{\"digest\":".utf8).write(to: URL(fileURLWithPath: folder.result(digests[0])))
    try Data(contentsOf: URL(fileURLWithPath: folder.result(digests[2]))).write(
      to: URL(fileURLWithPath: folder.result(digests[1])))
    let table = StudyTable(of: study.plan, in: folder, patience: 300)
    #expect(table.rows.map(\.state) == ["unreadable", "unreadable", "finished"])
    #expect(table.rows[0].error?.contains("this is not the result of a run") == true)
    #expect(table.rows[1].error?.contains("the result is of another run") == true)
  }

  @Test("A run that was begun with another configuration under this name fails, with the keys that differ")
  func otherConfiguration() throws {
    let study = try SmallStudy(seeds: "[1]"), folder = try study.open(), digest = study.plan.runs[0].digest
    let other = try SmallStudy(seeds: "[2]")
    #expect(try other.worker().work() == .complete)
    let source = other.path + "/runs/" + other.plan.runs[0].digest
    try FileManager.default.copyItem(atPath: source, toPath: folder.run(digest))
    unlink(folder.result(digest))
    #expect(try study.worker().work() == .complete)
    let error = try folder.readFailure(digest).error
    #expect(error.contains("the run has another configuration") && error.contains("seed is 2, not 1"))
  }

  @Test("A folder of something else is refused, and nothing is written into it")
  func otherFolder() throws {
    let study = try SmallStudy()
    try FileManager.default.createDirectory(atPath: study.path, withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: study.path + "/thesis.tex"))
    let error = #expect(throws: StructuredError.self) { try study.open() }
    #expect("\(try #require(error))".contains("the folder is not that of a study"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: study.path) == ["thesis.tex"])
  }

  @Test(
    "The registry answers questions as the results do, changes nothing, and its table is read by pandas",
    .enabled(if: PythonScript.has("pandas"), "python3 with pandas is not installed"))
  func registry() throws {
    let study = try SmallStudy("axes: [{key: objective.beta, values: [1, 4]}]", seeds: "[1, 2]")
    let folder = try study.open()
    var options = StudyWorker.Options()
    options.limit = 3
    #expect(try study.worker(options).work() == .complete)
    let table = StudyTable(of: study.plan, in: folder, patience: 300), registry = StudyRegistry(of: folder)
    let missing = #expect(throws: StructuredError.self) { try registry.answer("SELECT 1") }
    #expect("\(try #require(missing))".contains("there is no registry yet"))
    try registry.write(table)
    try registry.write(table)
    let answer = try registry.answer(
      """
      SELECT seed, number, value AS sum FROM runs JOIN settings USING (digest) JOIN scores USING (digest)
      WHERE name = 'sum' ORDER BY seed, number
      """)
    #expect(answer.columns == ["seed", "number", "sum"])
    let expected = study.plan.runs.prefix(3).map { ["\($0.seed)", "\(Double($0.strength[0].value)!)"] }
    #expect(answer.rows.map { Array($0.prefix(2)) } == expected)
    #expect(answer.rows.map { $0[2].flatMap { Double($0) } } == (try sums(study)))
    let states = try registry.answer("SELECT state, count(*) FROM runs GROUP BY 1 ORDER BY 1").rows
    #expect(states == [["finished", "3"], ["waiting", "1"]])
    let copy = study.folder.file("copy.sqlite")
    let refused = [
      ("DELETE FROM runs", "no question"), ("DELETE FROM runs RETURNING seed", "no question"),
      ("CREATE TABLE x (y)", "no question"), ("VACUUM INTO '\(copy)'", "no question"),
      ("ATTACH '\(copy)' AS y", "no question"), ("ATTACH 'x' AS y; SELECT 1", "more than one statement"),
      ("SELECT absent FROM runs", "no such column: absent"), ("SELECT (", "incomplete input"),
      ("", "there is no statement"), ("-- only a comment", "there is no statement"),
    ]
    for (sql, message) in refused {
      let error = #expect(throws: StructuredError.self, "\(sql)") { try registry.answer(sql) }
      #expect("\(try #require(error))".contains(message), "\(sql)")
    }
    #expect(!FileManager.default.fileExists(atPath: copy))
    let kinds = try registry.answer("SELECT 1 AS a, 0.5, 'ä\u{1F600}', NULL, x'0102' AS e -- and a comment\n;")
    #expect(kinds.columns == ["a", "0.5", "'ä\u{1F600}'", "NULL", "e"])
    #expect(kinds.rows == [["1", "0.5", "ä\u{1F600}", nil, "2 bytes"]])
    #expect(try registry.answer("SELECT count(*) FROM runs").rows == [["4"]])
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: study.path))
    #expect(names == ["study.yaml", "runs", "claims", "failures", "study.sqlite"])
    let file = try study.folder.write(table.csv().utf8, as: "table.csv")
    let (status, output) = try PythonScript.run(
      """
      import pandas, sys
      table = pandas.read_csv(sys.argv[1]).pivot_table(index=["seed", "objective.beta"], columns="score", values="value")
      print(*map(repr, map(float, table["sum"])))
      """, file)
    try #require(status == 0, "\(output)")
    let values = output.split(separator: " ").map { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    #expect(values == (try sums(study)))
  }
}
