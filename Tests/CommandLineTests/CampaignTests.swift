import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// The short form of the campaigns in `script/campaign`, with fixed seeds.
  @Suite("Campaigns, in short") struct CampaignTests {
    private func campaign(_ arguments: String) throws -> Program.Result {
      var repository = URL(fileURLWithPath: #filePath)
      for _ in 0..<3 { repository.deleteLastPathComponent() }
      return try Program.shell(
        "exec python3 '\(repository.path)/script/campaign' \(arguments) --program \"$disentangle\"",
        in: TemporaryFolder())
    }

    @Test("Commands that are killed leave what is old or new, and end as undisturbed when they are run again")
    func kills() throws {
      let result = try campaign("kill --seed 12 --count 20")
      #expect(result.code == 0, "\(result.output)\(result.errors)")
      #expect(result.output.contains(" 0 trials ended otherwise than undisturbed"))
    }

    @Test("Each call of a file, of a folder and of a run that fails is one error, and nothing is torn")
    func faults() throws {
      let result = try campaign("faults --seed 12 --count 60 --only encode-npz import onnx report-again train")
      #expect(result.code == 0, "\(result.output)\(result.errors)")
      #expect(result.output.contains(": 0 with findings"))
    }
  }
}
