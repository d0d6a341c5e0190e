import StrictConfiguration

/// A configuration with one key of every kind, with the structure of a real one.
struct SampleConfiguration: StrictlyDecodable, Equatable {
  enum Estimator: String, CaseIterable { case weighted, stratified }

  struct Objective: StrictlyDecodable, Equatable {
    var name = "beta-tcvae"
    var beta: Schedule = 6
    var estimator = Estimator.weighted

    init(from section: inout ConfigurationSection) throws {
      name = try section.choice("name", among: ["vae", "beta-vae", "beta-tcvae"])
      beta = try section.schedule("beta", default: 6, in: .atLeast(0))
      estimator = try section.choice("estimator", default: .weighted)
    }
  }

  struct Optimizer: StrictlyDecodable, Equatable {
    var learningRate = 1e-4
    var betas = [0.9, 0.999]

    init(from section: inout ConfigurationSection) throws {
      learningRate = try section.number("learning_rate", default: 1e-4, in: .moreThan(0))
      betas = try section.numbers("betas", default: [0.9, 0.999], in: .within(0..<1), count: .within(2...2))
    }
  }

  var name: String
  var seed: Int
  var path: String?
  var shuffled: Bool
  var objective: Objective
  var optimizer: Optimizer
  var batchSize: Int

  init(from section: inout ConfigurationSection) throws {
    name = try section.string("name", default: "run")
    seed = try section.integer("seed", default: 0, in: .atLeast(0))
    path = try section.optional("path") { try $0.string($1) }
    shuffled = try section.boolean("shuffled", default: true)
    objective = try section.section("objective")
    (optimizer, batchSize) = try section.section("training") { training in
      (try training.section("optimizer"), try training.integer("batch_size", default: 64, in: .within(1...4096)))
    }
  }
}

/// Decodes YAML text as the sample, under the source name `sample.yaml`.
func decode(_ yaml: String, set overrides: [String] = []) throws -> SampleConfiguration {
  try ConfigurationDocument(yaml: yaml, source: "sample.yaml", overrides: overrides).decode().value
}
