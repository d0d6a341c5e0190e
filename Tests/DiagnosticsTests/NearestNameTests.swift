import Diagnostics
import Testing

@Suite("Nearest name")
struct NearestNameTests {
  private let names = ["beta", "batch_size", "learning_rate", "name", "checkpoint_every"]

  @Test(
    "a misspelling finds the name that was meant",
    arguments: [
      ("bta", "beta"), ("betta", "beta"), ("ebta", "beta"), ("Beta", "beta"), ("batchsize", "batch_size"),
      ("batch-size", "batch_size"), ("learnig_rate", "learning_rate"), ("rate", "learning_rate"),
      ("checkpoint", "checkpoint_every"),
    ])
  func found(misspelt: String, meant: String) {
    #expect(nearestName(to: misspelt, among: names) == meant)
  }

  @Test("a name that resembles no candidate finds nothing", arguments: ["zebra", "q", "", "momentum"])
  func notFound(name: String) {
    #expect(nearestName(to: name, among: names) == nil)
  }
}
