import TensorCore
import Testing

@Suite("Images that are 0 around their support")
struct NonblankRegionTests {
  /// Rectangles as fractions of a side: none, single pixels in all corners, across the edges, in the middle, bars, all.
  private static let supports: [(rows: ClosedRange<Double>, columns: ClosedRange<Double>)?] = [
    nil, (0...0, 0...0), (0...0, 1...1), (1...1, 0...0), (1...1, 1...1), (0.45...0.55, 0.45...0.55),
    (0...0.2, 0.3...0.6),
    (0.3...0.7, 0.8...1), (0.5...0.5, 0...1), (0...1, 0.25...0.3), (0.05...0.95, 0.05...0.95), (0...1, 0...1),
  ]

  /// A problem whose images have these supports, one each.
  private func problem(_ example: FusedExample, channels: Int) -> FusedProblem {
    let problem = FusedProblem(example.layers(channels: channels), batch: Self.supports.count)
    let layer = problem.layers[0]
    for (b, support) in Self.supports.enumerated() {
      func holds(_ range: ClosedRange<Double>, _ pixel: Int, _ extent: Int) -> Bool {
        let last = Double(extent - 1)
        return Int(range.lowerBound * last)...Int(range.upperBound * last) ~= pixel
      }
      for i in 0..<layer.input.count {
        let pixel = i / channels, (y, x) = (pixel / layer.input.width, pixel % layer.input.width)
        if let support, holds(support.rows, y, layer.input.height), holds(support.columns, x, layer.input.width) {
          continue
        }
        problem.input.pointer[b * layer.input.count + i] = 0
      }
    }
    return problem
  }

  private func run(
    _ problem: FusedProblem, _ outputGradient: Floats, on device: Device
  ) throws -> (output: [Float], gradients: FusedGradientArrays) {
    let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
    let output = Floats(count: problem.batch * problem.outputCount)
    let saved = Floats(count: stack.savedCount(batch: problem.batch)), gradients = FusedGradientArrays(problem.layers)
    stack.forward(
      problem.input.pointer, batch: problem.batch, parameters: problem.parameters, output: output.pointer,
      saved: saved.pointer)
    stack.backward(
      outputGradient: outputGradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: problem.batch,
      parameters: problem.parameters, gradients: gradients.target(), inputGradient: nil)
    return (output.values, gradients)
  }

  @Test(
    "values and gradients agree with the definition, at every level, with one thread and two",
    arguments: [FusedExample.burgessEncoder, .locatelloEncoder, .unevenEncoder, .oddEncoder], [1, 3])
  func agreesWithDefinition(example: FusedExample, channels: Int) throws {
    let problem = problem(example, channels: channels)
    let outputGradient = Floats(uniform(problem.batch * problem.outputCount, seed: 99))
    var reference = problem.reference
    var outputs: [Double] = []
    for b in 0..<problem.batch {
      let activations = reference.activations(problem.image(b))
      outputs += activations[problem.layers.count]
      let gradient = outputGradient.values[b * problem.outputCount..<(b + 1) * problem.outputCount].map(Double.init)
      _ = reference.backward(activations, outputGradient: gradient)
    }
    for device in devices {
      let label = "\(device.level), \(device.threads) threads"
      let (output, gradients) = try run(problem, outputGradient, on: device)
      expectClose(output, outputs, "\(label): output")
      for i in problem.layers.indices {
        expectClose(gradients.weights[i].values, reference.weightGradients[i], "\(label): weights of layer \(i)")
        // The sum of n numbers near 1 may all but cancel; its rounding error is that of a sum of the size √n.
        let summed = Double(problem.batch * problem.layers[i].output.height * problem.layers[i].output.width)
        expectClose(
          gradients.biases[i].values, reference.biasGradients[i], leastScale: 0.1 * summed.squareRoot(),
          "\(label): bias of layer \(i)")
      }
    }
  }

  @Test(
    "outputs have the bits of layers that skip nothing", arguments: [FusedExample.burgessEncoder, .locatelloEncoder])
  func keepsBits(example: FusedExample) throws {
    let problem = problem(example, channels: 1), batch = problem.batch
    for device in devices {
      func output(_ layers: Range<Int>, of input: Floats) throws -> Floats {
        let stack = try #require(FusedConvolutionStack(layers: Array(problem.layers[layers]), device: device))
        let output = Floats(count: batch * stack.outputCount), all = problem.parameters
        stack.forward(
          input.pointer, batch: batch,
          parameters: FusedParameters(weights: Array(all.weights[layers]), biases: Array(all.biases[layers])),
          output: output.pointer, saved: nil)
        return output
      }
      // A first layer on its own has no second one to skip anything for; a stack after it does not begin with an image.
      let apart = try output(1..<problem.layers.count, of: output(0..<1, of: problem.input))
      expectSame(
        try output(problem.layers.indices, of: problem.input).values, apart.values,
        "\(device.level), \(device.threads) threads")
    }
  }

  @Test("a second run gives the same bits, whatever the buffers held in between")
  func repeatsItself() throws {
    let device = Device(threads: 2), problem = problem(.burgessEncoder, channels: 1)
    let outputGradient = Floats(uniform(problem.batch * problem.outputCount, seed: 7))
    func values() throws -> [Float] {
      let (output, gradients) = try run(problem, outputGradient, on: device)
      return output + gradients.values.flatMap(\.self)
    }
    let first = try values()
    let poison = FusedProblem(problem.layers, batch: problem.batch)
    poison.input.pointer.update(repeating: .nan, count: poison.input.count)
    _ = try run(poison, outputGradient, on: device)
    expectSame(try values(), first, "second run")
  }

  @Test("what is not a number counts as part of the support, and so does the smallest number")
  func findsEverything() throws {
    let problem = FusedProblem(FusedExample.burgessEncoder.layers(channels: 1), batch: 2)
    let count = problem.layers[0].input.count
    problem.input.pointer.update(repeating: 0, count: 2 * count)
    problem.input.pointer[30 * 64 + 17] = .nan
    problem.input.pointer[count + 30 * 64 + 17] = .leastNonzeroMagnitude
    for device in devices {
      let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
      let output = Floats(count: 2 * problem.outputCount)
      stack.forward(
        problem.input.pointer, batch: 2, parameters: problem.parameters, output: output.pointer, saved: nil)
      #expect(output.values[..<problem.outputCount].contains { $0.isNaN })
      #expect(output.values[problem.outputCount...].allSatisfy { $0.isFinite })
    }
  }

  @Test("windows of an image's support")
  func windows() throws {
    let layers = FusedExample.burgessEncoder.layers(channels: 1)
    func support(_ rows: Range<Int>, _ columns: Range<Int>) -> NonblankRegion? {
      NonblankRegion(support: FusedWindow(rows: rows, columns: columns), first: layers[0], second: layers[1])
    }
    // Kernels reach from 2y − 1 to 2y + 2, so pixel 0 is seen by output 0 alone.
    let corner = try #require(support(0..<1, 63..<64))
    #expect(corner.core == FusedWindow(rows: 0..<2, columns: 14..<16))
    #expect(corner.reach == FusedWindow(rows: 0..<4, columns: 12..<16))
    // Pixels 20 ..< 40 are seen by outputs 9 … 20 of the first layer, these by outputs 4 … 10 of the second.
    let middle = try #require(support(20..<40, 20..<40))
    #expect(middle.core == FusedWindow(rows: 4..<12, columns: 4..<12))
    #expect(middle.reach == FusedWindow(rows: 3..<13, columns: 3..<13))
    #expect(try #require(support(0..<0, 0..<0)).core.isEmpty)
    #expect(support(3..<62, 4..<60) == nil)
  }
}
