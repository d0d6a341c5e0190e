import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// A study on a real Slurm of one node, which `script/slurm` starts.
  @Suite("Slurm", .serialized) struct SlurmTests {
    /// Why the tests are skipped; nil where they can run.
    static let missing: String? =
      geteuid() != 0
      ? "a Slurm of its own needs root"
      : ["slurmctld", "slurmd", "munged"].contains {
        (try? Program.shell("command -v \($0)", in: TemporaryFolder()))?.code != 0
      } ? "slurm-wlm or munge is not installed" : nil

    private let experiment: SmallExperiment
    private let script: String

    init() throws {
      experiment = try SmallExperiment(steps: 3000, checkpointEvery: 500)
      let study = """
        name: study
        configuration: config.yaml
        axes: [{key: objective.beta, values: [1, 4, 16]}]
        seeds: {from: 1, count: 3}
        """
      _ = try experiment.folder.write(study.utf8, as: "study.yaml")
      var repository = URL(fileURLWithPath: #filePath)
      for _ in 0..<3 { repository.deleteLastPathComponent() }
      script = repository.path + "/script/slurm"
    }

    private func shell(_ line: String) throws -> Program.Result {
      try Program.shell("export SLURM_CONF=$PWD/slurm/slurm.conf; \(line)", in: experiment.folder)
    }

    /// Waits until a line of shell prints something, for at most two minutes: Slurm works at its own pace, and only asking
    /// again tells how far it is.
    private func wait(for line: String) throws -> String {
      let text = try shell("for i in $(seq 600); do x=$(\(line)); [ -n \"$x\" ] && break; sleep 0.2; done; echo $x")
        .output
      return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(
      "Workers that are killed or preempted and a controller that is restarted change no bit of a study",
      .enabled(if: missing == nil, Comment(rawValue: missing ?? "")))
    func disturbed() throws {
      let undisturbed = try shell("\"$disentangle\" study run study.yaml --output undisturbed")
      #expect(undisturbed.code == 0, "\(undisturbed.errors)")
      let started = try shell("'\(script)' start slurm")
      #expect(started.code == 0, "\(started.errors)")
      defer { _ = try? shell("'\(script)' stop slurm") }

      let submit = "study run study.yaml --output study --on slurm --partition low --workers 6 --time 10:00 --detach"
      let submitted = try shell("\"$disentangle\" \(submit)")
      #expect(submitted.code == 0 && submitted.output.contains("Submitted job "), "\(submitted.errors)")
      let pattern = "-f '^[^ ]*disentangle study work .*\(experiment.folder.path)/study '", work = "pgrep \(pattern)"
      // Two workers are killed, one after the other.
      for _ in 0..<2 {
        let process = try #require(Int32(try wait(for: "\(work) | head -1")))
        kill(process, SIGKILL)
      }
      // A job that may preempt others takes the whole node for a moment; they are queued again.
      // On a fast machine they could end before Slurm gets to it, and are stopped until it wakes and terminates them.
      _ = try wait(for: work)
      _ = try shell("pkill -STOP \(pattern)")
      let urgent = try shell(
        "sbatch --parsable --partition high --ntasks $(nproc) --time 2 --output /dev/null --wrap 'sleep 1'")
      #expect(urgent.code == 0, "\(urgent.errors)")
      let preempted = try wait(for: "grep -l 'has been requeued to reclaim' slurm/slurmctld.log")
      #expect(!preempted.isEmpty, "no worker was preempted")
      let restarted = try shell("'\(script)' restart slurm")
      #expect(restarted.code == 0, "\(restarted.errors)")

      let followed = try wait(
        for: "\"$disentangle\" study status study.yaml --output study | grep '^9 of 9 runs finished'")
      let log = try shell("cat study/slurm/*.log; squeue -a").output
      #expect(followed == "9 of 9 runs finished", "\(log)")
      let same = try experiment.results("study") == experiment.results("undisturbed")
      #expect(try same && experiment.results("study").count == 9)
    }

    @Test(
      "A study is followed to its end, and one that is cancelled keeps what it has",
      .enabled(if: missing == nil, Comment(rawValue: missing ?? "")))
    func followed() throws {
      let started = try shell("'\(script)' start slurm")
      #expect(started.code == 0, "\(started.errors)")
      defer { _ = try? shell("'\(script)' stop slurm") }
      let study = String(decoding: try experiment.data("study.yaml"), as: UTF8.self)
      _ = try experiment.folder.write((study + "\nset: [training.steps=300]\n").utf8, as: "study.yaml")
      let options = "--output study --on slurm --workers 2 --array-limit 1"
      let submitted = try shell("\"$disentangle\" study run study.yaml \(options) --detach")
      #expect(submitted.code == 0, "\(submitted.errors)")
      _ = try wait(for: "ls study/runs")
      let cancelled = try shell("\"$disentangle\" study cancel study.yaml --output study")
      #expect(cancelled.code == 0 && cancelled.output.hasPrefix("Cancelled job "), "\(cancelled.errors)")
      let empty = try wait(for: "[ -z \"$(squeue -h)\" ] && echo empty")
      #expect(empty == "empty")
      let left = try experiment.results("study").count
      #expect(left < 9)
      let run = try shell("\"$disentangle\" study run study.yaml \(options) 2>&1")
      #expect(run.code == 0 && run.output.contains("9 of 9 runs finished"), "\(run.output)")
      let refused = try shell(
        "\"$disentangle\" study run study.yaml --output other --on slurm --partition none --detach")
      expectError(refused, "the command failed: ", "invalid partition")
    }

    @Test("The script of a job says what it does, and quotes what it must")
    func printed() throws {
      let folder = experiment.folder
      let result = try Program.shell(
        """
        mkdir "it's here" && cp config.yaml data.h5 study.yaml "it's here" && cd "it's here" &&
        exec "$disentangle" study run study.yaml --print-job --time 1:00:00 --array-limit 3 --sbatch=--mem=4G
        """, in: folder)
      #expect(result.code == 0, "\(result.errors)")
      for line in [
        "#SBATCH --array=1-9%3", "#SBATCH --time=1:00:00", "#SBATCH --mem=4G", "#SBATCH --signal=B:USR1@120",
      ] {
        #expect(result.output.contains("\n\(line)\n"))
      }
      #expect(result.output.contains("'--chdir=\(folder.path)/it'\\''s here'"))
      #expect(!FileManager.default.fileExists(atPath: folder.file("it's here/runs")), "nothing is made")
      // The shell understands it.
      let check = try Program.shell("sh -n '\(try folder.write(result.output.utf8, as: "job.sh"))'", in: folder)
      #expect(check.code == 0, "\(check.errors)")
    }

    @Test("Without Slurm the error says so")
    func noSlurm() throws {
      let result = try Program.shell(
        "PATH=/nowhere \"$disentangle\" study run study.yaml --on slurm", in: experiment.folder)
      expectError(result, "there is no such command", "--print-job")
    }
  }
}
