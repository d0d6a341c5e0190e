import TestSupport
import Testing

@testable import TensorCore

@Suite("Work divided among threads that are not there")
struct WorkModelTests {
  @Test("A device with a model gives the bits of a device with as many threads")
  func sameBits() {
    let layer = ConvolutionLayer(
      from: ImageShape(height: 9, width: 9, channels: 20), channels: 24, kernel: 3, padding: 1, activation: .relu)
    func results(_ device: Device) -> [[Float]] {
      func tensor(_ label: String, _ shape: Shape) -> Tensor<Float> {
        Tensor(MatrixProductTests.values(shape.count, label), shape, on: device)
      }
      let input = tensor("input", layer.input.batch(7)), weights = tensor("weights", layer.geometry.weightShape)
      let output = input.convolved(layer, weights: weights, bias: tensor("bias", [24]))
      let weightGradient = Tensor<Float>(repeating: 0, weights.shape, on: device)
      let biasGradient = Tensor<Float>(repeating: 0, [24], on: device)
      output.convolutionGradients(
        layer, input: input, weights: weights, gradient: tensor("gradient", output.shape),
        weightGradient: weightGradient, biasGradient: biasGradient, inputGradient: nil)
      let square = tensor("square", [300, 300])
      return [output, weightGradient, biasGradient, square.times(square), square.sum(axis: 0)].map(\.elements)
    }
    for threads in [1, 3, 16] {
      let model = WorkModel(), expected = results(Device(threads: threads))
      var modelled: [[Float]] = []
      model.measure { modelled = results(Device(modelling: threads, in: model)) }
      #expect(modelled == expected)
      let isMeasured = model.sum > 0 && model.longest > 0 && model.longest <= model.sum && model.serial > 0
      #expect(isMeasured || threads == 1)
    }
  }

  @Test("Each region has a part for every worker, and parallel work within a part belongs to it")
  func regions() throws {
    let model = WorkModel(), device = Device(modelling: 4, in: model)
    var visited: [Range<Int>] = [], items: [Int] = []
    func work() throws {
      visited = []
      items = []
      model.name = { "ranges" }
      device.forEachRange(10) { _, range in
        visited.append(range)
        device.forEachRange(8) { _, _ in }
      }
      model.name = { "items" }
      try device.forEachItem(6) { _, item in items.append(item) }
      model.name = { "the rest" }
    }
    for _ in 0..<3 { try model.measure(work) }
    #expect(visited == [0..<2, 2..<5, 5..<7, 7..<10])
    #expect(items == Array(0..<6))
    #expect(model.regions.map(\.name) == ["ranges", "items", "the rest"])
    #expect(model.regions.map(\.parts.count) == [4, 4, 0])
  }

  @Test("Items go to the worker that has least to do, and their errors are thrown")
  func items() throws {
    let model = WorkModel(), device = Device(modelling: 2, in: model)
    var workers: [Int] = []
    try model.measure { try device.forEachItem(2) { worker, _ in workers.append(worker) } }
    #expect(workers == [0, 1])
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try model.measure { try device.forEachItem(3) { _, item in if item == 1 { throw Failure() } } }
    }
  }
}
