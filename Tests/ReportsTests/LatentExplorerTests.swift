import Autodiff
import Diagnostics
import Foundation
import RateDecomposition
import Reports
import TensorCore
import TestSupport
import Testing

@Suite("Latent explorer")
struct LatentExplorerTests {
  private static let hasBrowser = Chromium.path != nil

  enum Case: String, CaseIterable {
    case burgess, locatello, fullyConnected, odd, ordinary, everyLayer, padded, batchNorm, broadcast, residual

    func example() throws -> ExplorerExample {
      switch self {
      case .burgess: try ExplorerExample(.burgess, images: [12, 64, 64], factors: ExplorerExample.grid([3, 4]))
      case .locatello:
        try ExplorerExample(
          .locatello, images: [6, 64, 64, 3], isBinary: false, latents: 3, likelihood: .gaussian(standardDeviation: 0.3)
        )
      case .fullyConnected:
        try ExplorerExample(
          .fullyConnected, images: [6, 7, 5, 3], factors: ExplorerExample.grid([2, 3]), isBinary: false, latents: 2,
          likelihood: .laplace(scale: 0.5))
      case .odd: try ExplorerExample(ExplorerExample.odd, images: [5, 9, 14, 3])
      case .ordinary: try ExplorerExample(.headsAndConvolution, images: [5, 6, 11])
      case .everyLayer: try ExplorerExample(.everyLayer, images: [5, 10, 12, 3], isBinary: false, latents: 4)
      case .padded: try ExplorerExample(.burgess, images: [5, 28, 20], latents: 3)
      case .batchNorm: try ExplorerExample(.convolutionalBatchNorm, images: [5, 16, 16], latents: 2)
      case .broadcast: try ExplorerExample(.spatialBroadcastLocatello, images: [5, 16, 20], latents: 2)
      case .residual: try ExplorerExample(.residual, images: [5, 32, 32, 3], isBinary: false, latents: 2)
      }
    }
  }

  private struct Decoded: Decodable {
    let decoded: [[Float]]
    let image: [Float]
    let code: [Float]
    let distortion: String
  }

  @Test(
    "The page decodes as the program does, and carries its images and codes",
    .enabled(if: hasBrowser, "needs Chromium"), arguments: Case.allCases)
  func decoding(example kind: Case) throws {
    let example = try kind.example(), model = example.model, d = model.latents
    var stream = RandomStream(seed: 5)
    let codes = (0..<3 * d).map { _ in Float(4 * stream.uniform() - 2) }
    let rows = (0..<3).map { "[" + codes[$0 * d..<($0 + 1) * d].map { "\($0)" }.joined(separator: ",") + "]" }
    let visit = try Chromium.visit(
      example.html(), in: TemporaryFolder(),
      probe: """
        await explorer.ready;
        return {
          decoded: [\(rows.joined(separator: ","))].map((z) => Array.from(explorer.decode(z))),
          image: Array.from(explorer.state.data), code: explorer.state.z,
          distortion: document.querySelector("#distortion b").textContent,
        };
        """)
    #expect(visit.console == [])
    let page = try JSONDecoder().decode(Decoded.self, from: visit.result)
    let expected = model.decode(codes), decoded = page.decoded.flatMap { $0 }
    #expect(decoded.count == expected.count)
    // The programs differ by the order of single-precision sums: some 1e-6 on values of order one.
    #expect(absoluteDifference(decoded, expected) < 1e-5)

    let position = try #require(
      try (0..<example.dataset.count).first { n in
        try example.dataset.batch([n], on: model.device).elements == page.image
      })
    // All images are in the page: the one it begins with is its own.
    #expect(page.code == Array(example.posterior.means[position * d..<(position + 1) * d]))
    let z = Variable(Tensor(page.code, [1, d], on: model.device))
    let distortion = model.decoder.distortions(
      of: try example.dataset.batch([position], on: model.device), from: z, model.likelihood,
      .evaluation(on: model.device))
    let shown = try #require(Float(page.distortion.replacingOccurrences(of: "−", with: "-")))
    // Shown with one digit.
    #expect(abs(shown - distortion.value.elements[0]) < 0.06)
  }

  private struct Moved: Decodable {
    let changes: [String: Bool]
    let unlabelled: Int
    let values: [String]
    let overflow: Int
  }

  @Test(
    "Sliders and buttons change the pictures, and every control has a name, also on a phone",
    .enabled(if: hasBrowser, "needs Chromium"), arguments: [1280, 390])
  func controls(width: Int) throws {
    let visit = try Chromium.visit(
      Case.burgess.example().html(title: "a <b>bold</b> & \"quoted\" {{style}} </script>"), in: TemporaryFolder(),
      size: (width, 900),
      probe: """
        await explorer.ready;
        const pictures = () => ["data-picture", "decoded-picture"].map((id) => document.getElementById(id).toDataURL());
        const changes = {};
        const change = (name, action) => {
          const before = pictures();
          action();
          pictures().forEach((after, i) => { changes[name + (i ? " decoded" : " data")] = after !== before[i]; });
        };
        const move = (slider, value) => { slider.value = value; slider.dispatchEvent(new Event("input")); };
        const latents = document.querySelectorAll(".latent input"), factors = document.querySelectorAll(".factor input");
        change("latent", () => move(latents[0], latents[0].max));
        change("factor", () => move(factors[1], 0));
        for (const id of ["to-prior", "to-zero", "to-posterior", "to-mean"]) {
          change(id, () => document.getElementById(id).click());
        }
        return {
          changes,
          unlabelled: [...document.querySelectorAll("input")].filter((i) => !i.labels.length || !i.ariaValueText).length,
          values: [document.querySelector("header p").textContent, document.title, factors[1].ariaValueText],
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        };
        """)
    #expect(visit.console == [])
    let page = try JSONDecoder().decode(Moved.self, from: visit.result)
    let title = "a <b>bold</b> & \"quoted\" {{style}} </script>"
    #expect(page.values == [title, "Latent explorer: \(title)", "0 (of 0 to 3)"])
    #expect(page.unlabelled == 0)
    #expect(page.overflow <= 0)
    for (name, changed) in page.changes {
      #expect(changed == (name.hasSuffix("decoded") || name == "factor data"), "\(name)")
    }
  }

  private struct Facts: Decodable {
    struct Choice: Decodable {
      let name: String
      let values: [Int]
    }
    struct Latent: Decodable {
      let index: Int
      let kl: Double
      let mean: Double
      let deviation: Double
      let density: [Double]
      let peak: Double
    }
    struct Listed: Decodable { let values: [[Int]] }
    let choices: [Choice]
    let indices: [Int]
    let latents: [Latent]
    let factors: Listed?
  }

  private func facts(_ html: String) throws -> Facts {
    let text = html.components(separatedBy: "id=\"facts\">")[1].components(separatedBy: "</script>")[0]
    return try JSONDecoder().decode(Facts.self, from: Data(text.utf8))
  }

  @Test("A large grid is thinned evenly, factor by factor, with first and last values kept")
  func thinnedGrid() throws {
    // 5,000,000 bytes hold 1,211 images of 4,096 bytes with two latents: 3 × 30 × 30 becomes 3 × 20 × 20.
    let example = try ExplorerExample(
      .headsAndConvolution, images: [2700, 64, 64], factors: ExplorerExample.grid([3, 30, 30]), isBinary: false,
      latents: 2)
    let facts = try facts(example.html())
    #expect(facts.choices.map(\.values.count) == [3, 20, 20])
    #expect(facts.choices[0].values == [0, 1, 2])
    #expect(facts.choices[1].values.first == 0 && facts.choices[1].values.last == 29)
    #expect(facts.indices.count == 1200)
    #expect(facts.indices[1] == facts.choices[2].values[1])
    #expect(facts.indices.last == 2699)
  }

  @Test("Where factors are no grid the images are listed, with the factors that are known")
  func listed() throws {
    let shuffled = [[0, 1], [1, 1], [0, 0]]
    let known = try facts(ExplorerExample(ExplorerExample.odd, images: [3, 6, 6], factors: shuffled).html())
    #expect(known.choices.isEmpty && known.indices == [0, 1, 2] && known.factors?.values == shuffled)
    let unknown = try facts(ExplorerExample(ExplorerExample.odd, images: [3, 6, 6]).html())
    #expect(unknown.factors == nil && unknown.indices == [0, 1, 2])
  }

  @Test("Latents come by falling KL, with moments and density of the aggregate posterior")
  func latents() throws {
    let base = try ExplorerExample(ExplorerExample.odd, images: [2, 6, 6], latents: 2)
    // Latent 1: means ±1 with σ = 1/2, so mean 0, variance 1 + 1/4. Latent 0: the prior.
    let posterior = try PosteriorTable(
      means: [0, -1, 0, 1] as [Float], logVariances: [0, Float(2 * log(0.5)), 0, Float(2 * log(0.5))], latents: 2)
    let facts = try facts(
      LatentExplorer(base.model, on: base.dataset, posterior: posterior, title: "").html())
    #expect(facts.latents.map(\.index) == [1, 0])
    let latent = facts.latents[0]
    // Closed forms; the posterior is held in single precision.
    #expect(abs(latent.kl - 0.5 * (1 + 0.25 + 2 * log(2) - 1)) < 1e-6)
    #expect(abs(latent.mean) < 1e-6 && abs(latent.deviation - 1.25.squareRoot()) < 1e-6)
    let z = 1.25.squareRoot() * 0.75  // the 101st of 161 points over ± 3 deviations
    // Curves are smoothed by half the distance of two points.
    let variance = 0.25 + 1.25 * pow(3.0 / 160, 2)
    func normal(_ mean: Double) -> Double {
      exp(-(z - mean) * (z - mean) / (2 * variance)) / (2 * Double.pi * variance).squareRoot()
    }
    // Densities are given to 1e-4 of their peak.
    #expect(abs(latent.density[100] * latent.peak - (normal(-1) + normal(1)) / 2) < 1e-4)
  }

  @Test("Posteriors far narrower than the screen can show are drawn all the same")
  func narrow() throws {
    let base = try ExplorerExample(ExplorerExample.odd, images: [2, 6, 6], latents: 1)
    let posterior = try PosteriorTable(means: [-0.5, 0.51] as [Float], logVariances: [-60, -60], latents: 1)
    let latent = try facts(LatentExplorer(base.model, on: base.dataset, posterior: posterior, title: "").html())
      .latents[0]
    // Two spikes of one height to 1e-4, one deviation on either side of the mean.
    let spikes = latent.density.indices.filter { latent.density[$0] > 0.5 }
    #expect(spikes.contains(53) || spikes.contains(54))
    #expect(spikes.contains(106) || spikes.contains(107))
    #expect(latent.density.allSatisfy { $0.isFinite } && latent.density.max() == 1)
  }

  @Test("The page is one file without references, the same bytes each time")
  func selfContained() throws {
    let example = try Case.odd.example(), html = try example.html()
    #expect(try html == example.html())
    for reference in ["http://", "https://", "src=", "href=", "@import", "url("] { #expect(!html.contains(reference)) }
  }

  @Test("What cannot be shown is an error that says why")
  func errors() throws {
    let example = try Case.odd.example(), other = try Case.burgess.example()
    let mismatch = #expect(throws: StructuredError.self) {
      try LatentExplorer(example.model, on: example.dataset, posterior: other.posterior, title: "")
    }
    #expect(
      mismatch?.description
        == "the posterior has 12 data points and 5 latents (expected 5 and 5, as the data set and the model have)")
    let missing = #expect(throws: StructuredError.self) {
      try LatentExplorer.write(
        example.model, on: example.dataset, posterior: example.posterior, title: "", to: "/nowhere/explorer.html")
    }
    #expect(missing?.description.contains("cannot write into the folder /nowhere") == true)
    let decoder = example.model.decoder.network.parameters[0].value
    decoder.withMutableElements { $0[3] = .nan }
    let diverged = #expect(throws: StructuredError.self) { try example.html() }
    #expect(diverged?.description.hasPrefix("a weight of the decoder is not finite") == true)
  }
}
