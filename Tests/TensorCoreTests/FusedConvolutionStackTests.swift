import TensorCore
import Testing

@Suite("FusedConvolutionStack")
struct FusedConvolutionStackTests {
  @Test(
    "values and every gradient agree with the definition, at every level, with one thread and two",
    arguments: FusedExample.allCases, [(1, 1), (3, 1), (1, 3), (3, 3), (1, 8), (3, 8)])
  func agreesWithDefinition(example: FusedExample, channelsAndBatch: (Int, Int)) throws {
    let (channels, batch) = channelsAndBatch
    let problem = FusedProblem(example.layers(channels: channels), batch: batch)
    let outputGradient = Floats(uniform(batch * problem.outputCount, seed: 99))

    var reference = problem.reference
    var outputs: [Double] = [], inputGradients: [Double] = []
    for b in 0..<batch {
      let activations = reference.activations(problem.image(b))
      outputs += activations[problem.layers.count]
      let gradient = outputGradient.values[b * problem.outputCount..<(b + 1) * problem.outputCount].map(Double.init)
      inputGradients += reference.backward(activations, outputGradient: gradient)
    }

    for device in devices {
      let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
      let output = Floats(count: outputs.count)
      let saved = Floats(count: stack.savedCount(batch: batch))
      stack.forward(
        problem.input.pointer, batch: batch, parameters: problem.parameters, output: output.pointer,
        saved: saved.pointer)
      let label = "\(device.level), \(device.threads) threads"
      expectClose(output.values, outputs, "\(label): output")

      let gradients = FusedGradientArrays(problem.layers)
      let inputGradient = Floats(count: inputGradients.count)
      stack.backward(
        outputGradient: outputGradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: batch,
        parameters: problem.parameters, gradients: gradients.target(), inputGradient: inputGradient.pointer)
      expectClose(inputGradient.values, inputGradients, "\(label): input gradient")
      for i in problem.layers.indices {
        expectClose(gradients.weights[i].values, reference.weightGradients[i], "\(label): weights of layer \(i)")
        // The sum of n numbers near 1 may all but cancel; its rounding error is that of a sum of the size √n.
        let summed = Double(batch * problem.layers[i].output.height * problem.layers[i].output.width)
        expectClose(
          gradients.biases[i].values, reference.biasGradients[i], leastScale: 0.1 * summed.squareRoot(),
          "\(label): bias of layer \(i)")
      }

      // The same without what may be left out.
      let inferred = Floats(count: outputs.count)
      stack.forward(
        problem.input.pointer, batch: batch, parameters: problem.parameters, output: inferred.pointer, saved: nil)
      expectSame(inferred.values, output.values, "\(label): inference against training")
      let alone = FusedGradientArrays(problem.layers)
      stack.backward(
        outputGradient: outputGradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: batch,
        parameters: problem.parameters, gradients: alone.target(), inputGradient: nil)
      expectSame(
        alone.values.flatMap(\.self), gradients.values.flatMap(\.self), "\(label): with and without input gradient")
    }
  }

  @Test("a second run gives the same bits, whatever the buffers held in between", arguments: FusedExample.allCases)
  func repeatsItself(example: FusedExample) throws {
    let device = Device(threads: 2)
    let problem = FusedProblem(example.layers(channels: 3), batch: 5)
    let outputGradient = Floats(uniform(5 * problem.outputCount, seed: 7))
    func run() throws -> [[Float]] {
      let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
      let output = Floats(count: 5 * problem.outputCount), saved = Floats(count: stack.savedCount(batch: 5))
      let gradients = FusedGradientArrays(problem.layers), inputGradient = Floats(count: problem.input.count)
      stack.forward(
        problem.input.pointer, batch: 5, parameters: problem.parameters, output: output.pointer, saved: saved.pointer)
      stack.backward(
        outputGradient: outputGradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: 5,
        parameters: problem.parameters, gradients: gradients.target(), inputGradient: inputGradient.pointer)
      return [output.values, inputGradient.values] + gradients.values
    }
    let first = try run()
    // Leaves NaN in every buffer of the pool that the stack may get back.
    let poison = FusedProblem(problem.layers, batch: 5)
    poison.input.pointer.update(repeating: .nan, count: poison.input.count)
    let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
    let saved = Floats(count: stack.savedCount(batch: 5)), output = Floats(count: 5 * problem.outputCount)
    let gradients = FusedGradientArrays(problem.layers)
    stack.forward(
      poison.input.pointer, batch: 5, parameters: poison.parameters, output: output.pointer, saved: saved.pointer)
    stack.backward(
      outputGradient: output.pointer, input: poison.input.pointer, saved: saved.pointer, batch: 5,
      parameters: poison.parameters, gradients: gradients.target(), inputGradient: nil)
    let passedOn = output.values.contains { $0.isNaN }
    #expect(passedOn, "not-a-number must not disappear in a ReLU")
    expectSame(try run().flatMap(\.self), first.flatMap(\.self), "second run")
  }

  @Test("gradients are added to what is there when asked", arguments: [1, 2])
  func accumulates(threads: Int) throws {
    let device = Device(threads: threads)
    let problem = FusedProblem(FusedExample.locatelloDecoder.layers(channels: 1), batch: 3)
    let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
    let outputGradient = Floats(uniform(3 * problem.outputCount, seed: 5))
    let output = Floats(count: 3 * problem.outputCount), saved = Floats(count: stack.savedCount(batch: 3))
    stack.forward(
      problem.input.pointer, batch: 3, parameters: problem.parameters, output: output.pointer, saved: saved.pointer)
    let fresh = FusedGradientArrays(problem.layers), added = FusedGradientArrays(problem.layers, filledWith: 2)
    for (gradients, accumulate) in [(fresh, false), (added, true)] {
      stack.backward(
        outputGradient: outputGradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: 3,
        parameters: problem.parameters, gradients: gradients.target(accumulate: accumulate), inputGradient: nil)
    }
    for (a, b) in zip(fresh.values, added.values) {
      expectClose(b, a.map { Double($0) + 2 }, "accumulated")
    }
  }

  @Test("nothing is allocated after the first step")
  func allocatesOnce() throws {
    let device = Device(threads: 2)
    let problem = FusedProblem(FusedExample.burgessEncoder.layers(channels: 1), batch: 4)
    let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
    let output = Floats(count: 4 * problem.outputCount), saved = Floats(count: stack.savedCount(batch: 4))
    let gradients = FusedGradientArrays(problem.layers)
    func step() {
      stack.forward(
        problem.input.pointer, batch: 4, parameters: problem.parameters, output: output.pointer, saved: saved.pointer)
      stack.backward(
        outputGradient: output.pointer, input: problem.input.pointer, saved: saved.pointer, batch: 4,
        parameters: problem.parameters, gradients: gradients.target(), inputGradient: nil)
    }
    step()
    let misses = device.pool.statistics.misses
    #expect(misses > 0)
    for _ in 0..<3 { step() }
    #expect(device.pool.statistics.misses == misses)
    #expect(device.pool.statistics.bytesInUse == 0)
  }

  @Test("more threads than images is no trouble")
  func fewImages() throws {
    let problem = FusedProblem(FusedExample.burgessDecoder.layers(channels: 1), batch: 2)
    func output(_ threads: Int) throws -> [Float] {
      let stack = try #require(
        FusedConvolutionStack(layers: problem.layers, device: Device(threads: threads)))
      let output = Floats(count: 2 * problem.outputCount)
      stack.forward(
        problem.input.pointer, batch: 2, parameters: problem.parameters, output: output.pointer, saved: nil)
      return output.values
    }
    expectSame(try output(5), try output(1), "five threads against one")
  }
}
