import Autodiff
import Diagnostics
import Foundation
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// The objectives for single images against the numbers of two independent golden sets, `methods` and `methods_second`.
@Suite("Golden methods")
struct GoldenMethodsTests {
  /// A step with a fixed posterior and fixed codes; its distortion is 0.
  private func step(
    _ posterior: DiagonalGaussian, _ codes: Variable<Float>, _ pass: Pass, images: Tensor<Float>? = nil,
    output: Variable<Float>? = nil
  ) -> TrainingStep {
    fixedStep(
      images: images ?? codes.value, posterior: posterior, codes: codes, step: 0, dataCount: 1000,
      stream: RandomStream(seed: 0), pass: pass, distortions: { codes.sum(axis: 1, keepingAxis: false) * 0 },
      output: { output ?? codes })
  }

  private func settings<C: ObjectiveConfiguration>(_ yaml: String, as type: C.Type) throws -> C {
    try ConfigurationDocument(yaml: yaml, source: "test").decode(C.self).value
  }

  // MARK: Maximum mean discrepancy

  static let kernels = [
    ("methods", "B16/", "dim_squared_biased", "gaussian", "d^2", "biased"),
    ("methods", "B64/", "dim_squared_unbiased", "gaussian", "d^2", "unbiased"),
    ("methods", "B64/", "four_dim_biased", "gaussian", "4d", "biased"),
    ("methods", "B16/", "four_dim_unbiased", "gaussian", "4d", "unbiased"),
    ("methods", "B64/", "antixk_biased", "gaussian", "4d^2", "biased"),
    ("methods_second", "", "gaussian_d2_biased", "gaussian", "d^2", "biased"),
    ("methods_second", "", "gaussian_4d_unbiased", "gaussian", "4d", "unbiased"),
    ("methods_second", "", "imq_biased", "inverse-multiquadratic", "2d", "biased"),
    ("methods_second", "", "imq_unbiased", "inverse-multiquadratic", "2d", "unbiased"),
  ]

  @Test("MMD: value, loss and gradients of each kernel, bandwidth and estimator", arguments: kernels)
  func discrepancy(set: String, prefix: String, name: String, kernel: String, bandwidth: String, estimator: String)
    throws
  {
    let golden = try GoldenMethods(set), isFirst = set == "methods", pass = golden.pass()
    let inputs = isFirst ? "\(prefix)inputs" : "mmd/inputs", group = "\(prefix)mmd/\(name)"
    let mean = try golden.variable("\(inputs)/mu", in: pass),
      logVariance = try golden.variable("\(inputs)/logvar", in: pass)
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let codes = posterior.sample(noise: try golden.tensor("\(inputs)/eps"))
    let prior = try golden.tensor(isFirst ? "\(prefix)mmd/z_prior" : "\(inputs)/z_prior")
    let mmd = "mmd: {kernel: \(kernel), bandwidth: \(bandwidth), estimator: \(estimator)}"
    let objective = try #require(
      try ObjectiveSection.objective(
        "{name: info-vae, alpha: 0.5, lambda: 10, \(mmd)}", on: golden.device) as? InfoVAE)
    let loss = objective.loss(of: step(posterior, codes, pass), prior: prior)
    let value = try #require(loss["mmd"]).value
    // A small difference of means near 1 (near 7 for the sum of seven kernels).
    #expect(abs(Double(value.scalar) - (try golden.number("\(group)/\(isFirst ? "mmd" : "value")"))) < 3e-6)
    if isFirst { try golden.expect(loss.total, "\(group)/loss") }
    try golden.expect(
      gradientsOf: isFirst ? loss.total : value, in: pass,
      [(mean, "\(group)/grad_mu"), (logVariance, "\(group)/grad_logvar")])
  }

  @Test("MMD of the set `objectives`: pythae's kernel, and the Gaussian with bandwidth 2d", arguments: [16, 64])
  func discrepancyOfObjectives(batch: Int) throws {
    let golden = try GoldenBatch(batch), prior = try golden.tensor("inputs/z_prior")
    let (alpha, lambda) = (try golden.doubles("infovae/alpha")[0], try golden.doubles("infovae/lambda")[0])
    for (group, kernel) in [("imq", "inverse-multiquadratic"), ("rbf", "gaussian")] {
      let objective = try #require(
        try ObjectiveSection.objective(
          "{name: info-vae, alpha: \(alpha), lambda: \(lambda), mmd: {kernel: \(kernel), bandwidth: 2d, estimator: unbiased}}",
          on: golden.device) as? InfoVAE)
      let result = try golden.run { objective.loss(of: $0, prior: prior) }
      #expect(relativeDifference(result.loss, try golden.doubles("infovae/\(group)/loss")[0]) <= goldenValue)
      #expect(relativeDifference(result.mean, try golden.doubles("infovae/\(group)/grad_mu")) <= goldenGradient)
      #expect(
        relativeDifference(result.logVariance, try golden.doubles("infovae/\(group)/grad_logvar")) <= goldenGradient)
    }
  }

  // MARK: Rate and covariance

  @Test("Capacity VAE of the set `objectives`, along its schedule", arguments: [16, 64])
  func capacity(batch: Int) throws {
    let golden = try GoldenBatch(batch)
    let (gamma, most) = (try golden.doubles("capacity/gamma")[0], try golden.doubles("capacity/c_max")[0])
    let length = try golden.file.read("capacity/iters", as: Int.self).values[0]
    let steps = try golden.file.read("capacity/steps", as: Int.self).values, width = batch * 10
    let objective = try ObjectiveSection.objective(
      "{name: capacity-vae, gamma: \(gamma), capacity: {from: 0, to: \(most), steps: \(length)}}", on: golden.device)
    for (k, number) in steps.enumerated() {
      let result = try golden.run(at: number) { try objective.loss(of: $0) }
      #expect(relativeDifference(result.observations["capacity"] ?? .nan, try golden.doubles("capacity/C")[k]) < 1e-12)
      #expect(relativeDifference(result.loss, try golden.doubles("capacity/loss")[k]) <= goldenValue)
      for (gradient, name) in [(result.mean, "grad_mu"), (result.logVariance, "grad_logvar")] {
        let reference = Array(try golden.doubles("capacity/\(name)")[k * width..<(k + 1) * width])
        #expect(relativeDifference(gradient, reference) <= goldenGradient, "\(name)")
      }
    }
  }

  @Test("Capacity of the batch and by image", arguments: [("batch", "batch"), ("per_image", "image")])
  func capacityByImage(group: String, per: String) throws {
    let golden = try GoldenMethods("methods_second"), pass = golden.pass()
    let mean = try golden.variable("capacity/inputs/mu", in: pass)
    let logVariance = try golden.variable("capacity/inputs/logvar", in: pass)
    let objective = try ObjectiveSection.objective(
      "{name: capacity-vae, gamma: 100, capacity: 5, per: \(per)}", on: golden.device)
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let loss = try objective.loss(of: step(posterior, mean, pass)).total
    try golden.expect(loss, "capacity/\(group)/penalty")
    try golden.expect(
      gradientsOf: loss, in: pass,
      [(mean, "capacity/\(group)/grad_mu"), (logVariance, "capacity/\(group)/grad_logvar")])
  }

  @Test("DIP-VAE of the set `objectives`", arguments: [16, 64], ["dip_i", "dip_i_sweep", "dip_ii"])
  func dip(batch: Int, group: String) throws {
    let golden = try GoldenBatch(batch)
    func value(_ name: String) throws -> Double { try golden.doubles("\(group)/\(name)")[0] }
    let variant = group == "dip_ii" ? "ii" : "i"
    let weights = group == "dip_i" ? ", lambda_d: \(try value("lambda_d"))" : ""
    let objective = try ObjectiveSection.objective(
      "{name: dip-vae, variant: \(variant), lambda_od: \(try value("lambda_od"))\(weights)}", on: golden.device)
    let result = try golden.run(objective)
    #expect(relativeDifference(result.terms["covariance_off_diagonal"] ?? .nan, try value("od_sum")) <= goldenValue)
    #expect(relativeDifference(result.terms["covariance_diagonal"] ?? .nan, try value("d_sum")) <= goldenValue)
    #expect(relativeDifference(result.loss, try value("loss")) <= goldenValue)
    #expect(relativeDifference(result.mean, try golden.doubles("\(group)/grad_mu")) <= goldenGradient)
    #expect(relativeDifference(result.logVariance, try golden.doubles("\(group)/grad_logvar")) <= goldenGradient)
  }

  // MARK: Controllers

  @Test("The multiplier of the constrained VAE", arguments: ["additive", "exponential"])
  func dualAscent(form: String) throws {
    let golden = try GoldenMethods("methods_second"), rates = try golden.tensor("controller/inputs/kl").elements
    let start = try golden.number(form == "additive" ? "controller/dual/lambda0" : "controller/dual/lambda0_exp")
    var multiplier = ConstrainedVAE.Multiplier(
      try settings(
        "{ascent: \(form), rate: \(try golden.number("controller/dual/eta")), initial_beta: \(start)}",
        as: ConstrainedVAE.Configuration.self))
    let delta = try golden.number("controller/dual/delta")
    let values = rates.map { rate in
      multiplier.ascend(Double(rate) - delta)
      return multiplier.value
    }
    #expect(absoluteDifference(values, try golden.doubles("controller/dual/\(form)")) < 1e-10)
  }

  @Test("The multiplier of GECO and its moving average")
  func geco() throws {
    let golden = try GoldenMethods("methods_second")
    var multiplier = GECO.Multiplier(
      try settings(
        """
        {averaging: \(try golden.number("controller/geco/alpha")), rate: \(try golden.number("controller/geco/kappa")), \
        initial_lambda: \(try golden.number("controller/geco/lambda0"))}
        """, as: GECO.Configuration.self))
    let tolerance = try golden.number("controller/geco/tolerance")
    let values = try golden.tensor("controller/inputs/distortion").elements.map { distortion in
      multiplier.ascend(Double(distortion) - tolerance)
      return (multiplier.average ?? .nan, multiplier.lambda)
    }
    #expect(absoluteDifference(values.map(\.0), try golden.doubles("controller/geco/average")) < 1e-10)
    #expect(relativeDifference(values.map(\.1), try golden.doubles("controller/geco/lambda")) < 1e-10)
  }

  private func trajectory(_ yaml: String, rates: [Float], setPoints: [Float]) throws -> [ControlVAE.Controller] {
    var controller = ControlVAE.Controller(try settings(yaml, as: ControlVAE.Configuration.self))
    return zip(rates, setPoints).map { rate, setPoint in
      controller.control(setPoint: Double(setPoint), rate: Double(rate))
      return controller
    }
  }

  @Test(
    "The controller of ControlVAE with each pair of bounds",
    arguments: [("min1", "beta_min: 1"), ("min0_max1", "beta_min: 0, beta_max: 1"), ("min0", "beta_min: 0")])
  func controller(group: String, bounds: String) throws {
    let golden = try GoldenMethods("methods")
    let states = try trajectory(
      "{kp: 0.01, ki: 0.001, \(bounds)}", rates: golden.tensor("controlvae/kl").elements,
      setPoints: golden.tensor("controlvae/target").elements)
    let reference = try golden.doubles("controlvae/\(group)")
    func column(_ k: Int) -> [Double] { states.indices.map { reference[5 * $0 + k] } }
    #expect(absoluteDifference(states.map(\.integral), column(2)) < 1e-9)
    #expect(absoluteDifference(states.map(\.unclipped), column(3)) < 1e-9)
    #expect(absoluteDifference(states.map(\.beta), column(4)) < 1e-9)
  }

  @Test("The controller of ControlVAE against the second set", arguments: [0, 1])
  func secondController(least: Int) throws {
    let golden = try GoldenMethods("methods_second"), group = "controller/pi/min\(least)"
    let states = try trajectory(
      "{kp: 0.01, ki: 0.001, beta_min: \(least)}", rates: golden.tensor("controller/inputs/kl").elements,
      setPoints: golden.tensor("controller/inputs/setpoint").elements)
    #expect(absoluteDifference(states.map(\.integral), try golden.doubles("\(group)/integral")) < 1e-10)
    #expect(absoluteDifference(states.map(\.unclipped), try golden.doubles("\(group)/unclipped")) < 1e-10)
    #expect(absoluteDifference(states.map(\.beta), try golden.doubles("\(group)/beta")) < 1e-10)
  }

  @Test("A frozen integral below −K_p holds β at its least, as documented")
  func lockedController() throws {
    let golden = try GoldenMethods("methods")
    let states = try trajectory(
      "{kp: 0.01, ki: 0.001, beta_min: 0, beta_max: 1}", rates: golden.tensor("controlvae/lock/kl").elements,
      setPoints: golden.tensor("controlvae/lock/target").elements)
    let reference = try golden.doubles("controlvae/lock/min0_max1")
    #expect(absoluteDifference(states.map(\.beta), states.indices.map { reference[5 * $0 + 4] }) < 1e-9)
    #expect(states.last?.beta == 0)
  }

  @Test("The default set point of ControlVAE is that of the authors' code")
  func setPoint() throws {
    let golden = try GoldenMethods("methods")
    let configuration = try settings("{}", as: ControlVAE.Configuration.self)
    let values = try golden.integers("controlvae/schedule/steps").map { configuration.setPoint(at: $0 - 1) }
    // 15.5 nats in 516,667 steps are 0.15 in 5,000 to a relative 1e-6.
    #expect(relativeDifference(values, try golden.doubles("controlvae/schedule/target")) < 1e-6)
  }

  // MARK: Support

  @Test("HFS on means and on samples, first set", arguments: [16, 64], ["mean", "sample"])
  func support(batch: Int, kind: String) throws {
    let golden = try GoldenMethods("methods"), prefix = "B\(batch)", group = "\(prefix)/hfs/\(kind)",
      pass = golden.pass()
    let mean = try golden.variable("\(prefix)/inputs/mu", in: pass)
    let logVariance = try golden.variable("\(prefix)/inputs/logvar", in: pass)
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)
    let codes = posterior.sample(noise: try golden.tensor("\(prefix)/inputs/eps"))
    let list = try golden.integers("\(prefix)/hfs/pairs"),
      pairs = (0..<list.count / 2).map { (list[2 * $0], list[2 * $0 + 1]) }
    let objective = try #require(
      try ObjectiveSection.objective(
        "{name: hfs, beta: 1, gamma: 10, codes: \(kind == "mean" ? "means" : "samples")}", on: golden.device)
        as? HausdorffFactorizedSupport)
    let loss = objective.loss(of: step(posterior, codes, pass), pairs: pairs)
    try golden.expect(try #require(loss["support_distance"]).value, "\(group)/value")
    try golden.expect(loss.total, "\(group)/loss")
    let source = kind == "mean" ? mean.value.elements : codes.value.elements,
      arguments = try golden.integers("\(group)/arg")
    for (k, pair) in pairs.enumerated() {
      let point = HausdorffFactorizedSupport.farthest(source, batch, 10, pair)
      #expect([point.first, point.second, point.nearest] == Array(arguments[3 * k..<3 * k + 3]), "pair \(k)")
    }
    try golden.expect(
      gradientsOf: loss.total, in: pass, [(mean, "\(group)/grad_mu"), (logVariance, "\(group)/grad_logvar")])
  }

  @Test("HFS on means and on samples, second set", arguments: ["means", "samples"])
  func secondSupport(kind: String) throws {
    let golden = try GoldenMethods("methods_second"), pass = golden.pass()
    let mean = try golden.variable("hfs/inputs/mu", in: pass), list = try golden.integers("hfs/pairs")
    let logVariance = try golden.variable("hfs/inputs/logvar", in: pass)
    let codes =
      kind == "means"
      ? mean
      : DiagonalGaussian(mean: mean, logVariance: logVariance).sample(noise: try golden.tensor("hfs/inputs/eps"))
    let distances = HausdorffFactorizedSupport.distance(
      of: codes, (0..<list.count / 2).map { (list[2 * $0], list[2 * $0 + 1]) })
    #expect(relativeDifference(distances.value.elements, try golden.doubles("hfs/\(kind)/per_pair")) <= goldenValue)
    try golden.expect(
      gradientsOf: distances.sum(), in: pass,
      [(mean, "hfs/\(kind)/grad_mu")] + (kind == "means" ? [] : [(logVariance, "hfs/samples/grad_logvar")]))
  }

  // MARK: Importance weights

  @Test("The bound of IWAE and its gradient", arguments: ["methods", "methods_second"], [1, 5, 50])
  func bound(set: String, samples: Int) throws {
    let golden = try GoldenMethods(set), pass = golden.pass(), isFirst = set == "methods"
    let prefix = isFirst ? "B16/iwae/K\(samples)" : "iwae/inputs"
    let parts = try (isFirst ? ["log_px", "log_pz", "log_qz"] : ["log_px_given_z", "log_pz", "log_qz_given_x"])
      .map { try golden.tensor("\(prefix)/\($0)") }
    // Formed in double precision, because the parts are near 1000 in the second set.
    let columns = parts[0].shape[1], rows = parts[0].shape[0]
    let values = parts.map { $0.elements.map(Double.init) }
    let weights = (0..<rows).flatMap { row in
      (0..<samples).map { k in
        let i = row * columns + k
        return Float(values[0][i] + values[1][i] - values[2][i])
      }
    }
    let logWeights = pass.tape.track(Tensor(weights, [rows, samples], on: golden.device))
    let bound = IWAE.bound(logWeights)
    if isFirst {
      try golden.expect(-bound, "\(prefix)/loss")
      try golden.expect(gradientsOf: -bound, in: pass, [(logWeights, "\(prefix)/grad_log_weights")])
    } else {
      try golden.expect(bound, "iwae/k\(samples)/bound")
      try golden.expect(gradientsOf: bound, in: pass, [(logWeights, "iwae/k\(samples)/grad_log_w")])
    }
  }

  @Test("IWAE's log weights from distortions and codes, and its gradients", arguments: [16, 64])
  func importanceWeights(batch: Int) throws {
    let golden = try GoldenMethods("methods"), group = "B\(batch)/iwae/full", pass = golden.pass()
    let mean = try golden.variable("B\(batch)/inputs/mu", in: pass)
    let logVariance = try golden.variable("B\(batch)/inputs/logvar", in: pass)
    let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance), single: Shape = [batch, 1, 10]
    let codes =
      (mean.reshaped(single)
      + (logVariance * 0.5).exp().reshaped(single) * Variable(try golden.tensor("\(group)/eps"))).reshaped([
        batch * 5, 10,
      ])
    let matrix = Variable(try golden.tensor("\(group)/A")), target = Variable(try golden.tensor("\(group)/t"))
    let residuals = codes.times(matrix.transposed()).reshaped([batch, 5, 12]) - target.reshaped([batch, 1, 12])
    let distortions = (residuals.squared() * 0.5).sum(axis: 2, keepingAxis: false).reshaped([batch * 5])
    let logWeights = IWAE.logWeights(distortions, of: codes, under: posterior, samples: 5)
    #expect(relativeDifference(logWeights.value.elements, try golden.doubles("\(group)/log_weights")) <= goldenValue)
    let loss = -IWAE.bound(logWeights)
    try golden.expect(loss, "\(group)/loss")
    try golden.expect(
      gradientsOf: loss, in: pass, [(mean, "\(group)/grad_mu"), (logVariance, "\(group)/grad_logvar")])
  }

  // MARK: σ

  @Test(
    "σ-VAE, first set", arguments: [16, 64],
    [
      ("learned", "learned", false), ("learned_clipped", "learned", true), ("optimal", "optimal", false),
      ("optimal_clipped", "optimal", true),
    ])
  func sigma(batch: Int, variant: (group: String, sigma: String, isBounded: Bool)) throws {
    let golden = try GoldenMethods("methods"), prefix = "B\(batch)/sigma", group = "\(prefix)/\(variant.group)"
    let objective = try #require(
      try ObjectiveSection.objective(
        "{name: sigma-vae, sigma: \(variant.sigma), bounded: \(variant.isBounded)}", on: golden.device) as? SigmaVAE)
    let store = objective.parameters ?? ParameterStore(on: golden.device)
    let pass = Pass(training: [store], on: golden.device)
    if variant.sigma == "learned" {
      store.parameter(at: 0).value.copy(from: try golden.tensor("\(prefix)/log_sigma"))
    }
    let images = try golden.images("\(prefix)/target"), output = pass.tape.track(try golden.images("\(prefix)/output"))
    let result = objective.distortion(of: images, output: output, pass)
    try golden.expect(result.distortion, "\(group)/loss")
    let gradients = try pass.tape.backward(from: result.distortion)
    let (reference, shape) = try golden.file.read("\(group)/grad_output", as: Double.self)
    #expect(
      relativeDifference(gradients[output].elements, GoldenMethods.channelsLast(reference, shape)) <= goldenGradient)
    if variant.sigma == "learned" {
      #expect(
        relativeDifference(store.parameter(at: 0).gradient.elements, try golden.doubles("\(group)/grad_log_sigma"))
          <= goldenGradient)
    }
  }

  @Test("A learned σ at seven values, second set")
  func learnedSigma() throws {
    let golden = try GoldenMethods("methods_second"), raw = try golden.tensor("sigma/inputs/log_sigma").elements
    let objective = try #require(
      try ObjectiveSection.objective("{name: sigma-vae, sigma: learned}", on: golden.device) as? SigmaVAE)
    let store = try #require(objective.parameters)
    for (k, value) in raw.enumerated() {
      let pass = Pass(training: [store], on: golden.device)
      store.parameter(at: 0).value.copy(from: Tensor([value], [1], on: golden.device))
      let output = pass.tape.track(try golden.images("sigma/inputs/output"))
      let result = objective.distortion(of: try golden.images("sigma/inputs/target"), output: output, pass)
      // Single precision of numbers up to 6, of which 6 is taken away.
      #expect(abs(log(result.sigma) - (try golden.doubles("sigma/learned/bounded")[k])) < 2e-6)
      #expect(
        relativeDifference(result.distortion.scalar, Float(try golden.doubles("sigma/learned/nll")[k])) < goldenValue)
      try pass.tape.backward(from: result.distortion)
      let gradient = Double(store.parameter(at: 0).gradient.elements[0])
      #expect(relativeDifference(gradient, try golden.doubles("sigma/learned/grad_log_sigma")[k]) < goldenGradient)
    }
  }
}
