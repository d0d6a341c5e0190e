import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("TensorBoard")
  struct TensorBoardTests {
    private static let hasTensorBoard = PythonScript.has("tensorboard")

    /// What TensorBoard reads of a run: scalars by name and step, and the steps of pictures.
    private struct Board: Decodable, Equatable {
      let scalars: [String: [[Double]]]
      let pictures: [String: [Int]]
    }

    private func read(_ experiment: SmallExperiment, _ run: String) throws -> Board {
      let (status, output) = try PythonScript.run(
        """
        import sys, json, struct
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        a = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0}); a.Reload()
        clock = {"seconds", "images_per_second"}
        pictures = {}
        for tag in a.Tags()["images"]:
            for image in a.Images(tag):
                png = image.encoded_image_string
                assert png[:4] == b"\\x89PNG" and struct.unpack(">II", png[16:24]) == (image.width, image.height)
            pictures[tag] = [image.step for image in a.Images(tag)]
        scalars = {t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()["scalars"] if t not in clock}
        print("\\n" + json.dumps({"scalars": scalars, "pictures": pictures}))
        """, experiment.folder.file(run))
      try #require(status == 0, "\(output)")
      let last = try #require(output.split(separator: "\n").last)
      return try JSONDecoder().decode(Board.self, from: Data(last.utf8))
    }

    private let options = "--threads 1 --set training.tensorboard=true"

    @Test(
      "A stopped and resumed run shows what an undisturbed one does: the rows of the metrics, once each, and pictures",
      .enabled(if: hasTensorBoard, "needs tensorboard"))
    func resuming() throws {
      let experiment = try SmallExperiment(steps: 600, checkpointEvery: 100, logEvery: 10)
      let whole = try Program.shell(
        "exec \"$disentangle\" train config.yaml --output a \(options)", in: experiment.folder)
      try #require(whole.code == 0, "\(whole.errors)")
      // Killed whenever it has trained for a while; the events since the last checkpoint are then too many.
      let killed = try Program.start(
        "train", "config.yaml", "--output", "b", "--threads", "1", "--set", "training.tensorboard=true",
        in: experiment.folder)
      _ = killed.waitForProgress()
      _ = killed.isKilled(after: 1.5)
      let resumed = try Program.shell(
        "exec \"$disentangle\" train config.yaml --output b --resume \(options)", in: experiment.folder)
      try #require(resumed.code == 0, "\(resumed.errors)")

      let board = try read(experiment, "a")
      #expect(try board == read(experiment, "b"))
      #expect(
        board.pictures == [
          "reconstructions": [100, 200, 300, 400, 500, 600], "traversals": [100, 200, 300, 400, 500, 600],
        ])
      let rows = try experiment.metrics(of: "a")
      for name in ["loss", "reconstruction", "total_correlation_mws"] {
        // The file holds single precision.
        let expected = rows.compactMap { row in row[name].map { [row["step"] ?? 0, Double(Float($0))] } }
        #expect(board.scalars[name] == expected)
      }
    }

    @Test("The event file changes nothing else: weights and metrics are those of a run without")
    func apart() throws {
      let experiment = try SmallExperiment(steps: 30, checkpointEvery: 10)
      for (run, options) in [("with", options), ("without", "--threads 1")] {
        let result = try Program.shell(
          "exec \"$disentangle\" train config.yaml --output \(run) \(options)", in: experiment.folder)
        try #require(result.code == 0, "\(result.errors)")
      }
      #expect(FileManager.default.fileExists(atPath: experiment.folder.file("with/events.out.tfevents")))
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("without/events.out.tfevents")))
      #expect(try experiment.metrics(of: "with") == experiment.metrics(of: "without"))
      // The file of weights carries the configuration, in which the runs differ; the checkpoint likewise.
      func decomposition(_ run: String) throws -> NSDictionary? {
        let report = try JSONSerialization.jsonObject(with: experiment.data("\(run)/report/report.json"))
        return (report as? [String: Any])?["decomposition"] as? NSDictionary
      }
      let with = try #require(try decomposition("with"))
      let sameReport = try with == decomposition("without")
      #expect(sameReport)
    }

    @Test("A damaged event file stops a resumed run with its name, before anything is trained")
    func damaged() throws {
      let experiment = try SmallExperiment(steps: 30, checkpointEvery: 10)
      let start = "exec \"$disentangle\" train config.yaml --output run \(options)"
      let first = try Program.shell(start, in: experiment.folder)
      try #require(first.code == 0, "\(first.errors)")
      try FileManager.default.removeItem(atPath: experiment.folder.file("run/weights.safetensors"))
      var events = try experiment.data("run/events.out.tfevents")
      events[70] ^= 1
      _ = try experiment.folder.write(events, as: "run/events.out.tfevents")
      let resumed = try Program.shell(start + " --resume", in: experiment.folder)
      expectError(resumed, code: 1, "run/events.out.tfevents: the record at byte")
    }

    @Test("What is no yes or no is an error with its place")
    func configuration() throws {
      let experiment = try SmallExperiment()
      let result = try Program.run(
        "train", "config.yaml", "--output", "run", "--set", "training.tensorboard=often", in: experiment.folder)
      expectError(result, code: 1, "training.tensorboard")
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("run")))
    }
  }
}
