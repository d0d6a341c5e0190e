import ArgumentParser
import CommandLine
import Diagnostics
import Foundation
import TensorCore
import TestSupport
import Testing

/// Changed command lines: each is understood, or refused with a message; none is a crash.
@Suite struct CommandLineFuzzingTests {
  static let lines = [
    "train config.yaml --set objective.beta=6 --output run --seed 3 --threads 2 --resume --log-level debug",
    "report run --output folder --samples 100 --metrics fast --audit-batch-size 64 --audit-batch-size 256",
    "evaluate run --metrics mig,dci --preset exact --set mig.bins=30 --format json -o scores.json --parts",
    "encode run -o codes.npz --rows 0:1000:10 --sample --seed 7 --force", "decode run --codes codes.npz -o images.h5",
    "encode run -o codes.h5 --random 10 --images data.h5 --array imgs", "sample run --count 64 -o grid.png --columns 8",
    "score run --samples 100 --indices codes.npz -o scores.csv", "compare a b c -o comparison --likelihood-images 0",
    "rate-distortion study.yaml -o runs/study", "decompose run --format json --samples 500 --batch-size 64",
    "export onnx run --output onnx --only encoder", "export safetensors run --output w.st --layout disentangling-vae",
    "export notebook run --force", "export explorer run", "dataset render dsprites --output d.h5 --threads 4",
    "import safetensors w.st --architecture burgess --latents 10 --likelihood {name:\u{a0}laplace} -o run",
    "dataset info dsprites", "config show config.yaml --set seed=1", "list metrics", "--version", "help train",
  ].map { $0.split(separator: " ").map(String.init) }

  private static let pieces = [
    "", "-", "--", "---", "-o", "-1", "0", "1e400", "99999999999999999999", "-9223372036854775808", "nan", "٣", "=",
    ":",
    "::", "0:0:0", "5:1", ":::", "--threads", "--threads=0", "--seed=-1", "--seed", "--set", "a=b=c", "\u{0}",
    "\u{1b}[31m",
    "../..", "/", ".", "--help", "--version", "help", "train", "\u{202e}", String(repeating: "x", count: 5000), "%s%n",
    "-xyz",
    "--format=", "--rows", "--no-force", "--generate-completion-script", "--experimental-dump-help",
  ]

  /// A changed command line.
  static func mutated(_ line: [String], _ random: inout RandomStream) -> [String] {
    var line = line
    for _ in 0..<1 + random.integer(below: 3) {
      let piece = pieces[random.integer(below: pieces.count)], at = random.integer(below: line.count + 1)
      switch random.integer(below: 6) {
      case 0: line.insert(piece, at: at)
      case 1 where at < line.count: line.remove(at: at)
      case 2 where at < line.count: line[at] = piece
      case 3 where at < line.count: line[at] += piece
      case 4 where at < line.count: line.swapAt(at, random.integer(below: line.count))
      default:
        guard at < line.count else { continue }
        line[at] = String(decoding: FileMutator(Array(line[at].utf8)).mutated(&random), as: UTF8.self)
      }
    }
    return line
  }

  @Test("Changed command lines are understood or refused") func lines() {
    let fuzzing = Fuzzing(few: 2000, share: 0.03), seed = RandomStream(seed: Fuzzing.seed).split("command lines")
    var understood = 0, refused = 0
    for index in 0..<fuzzing.count {
      var random = seed.split("line", index)
      let line = Self.mutated(Self.lines[index % Self.lines.count], &random)
      do {
        _ = try DisentangleTool.parseAsRoot(line)
        understood += 1
      } catch {
        refused += 1
        #expect(
          !DisentangleTool.fullMessage(for: error).isEmpty || DisentangleTool.exitCode(for: error) == .success,
          "\(line)")
      }
    }
    if fuzzing.isFull {
      print("fuzz command lines: \(fuzzing.count) lines: \(understood) understood, \(refused) refused")
    }
    #expect(understood > 0 && refused > 0)
  }
}
