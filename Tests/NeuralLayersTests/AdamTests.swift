import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Adam")
struct AdamTests {
  private static let count = 37, steps = 1_000

  /// Gradients that single precision represents exactly, of four magnitudes: ((7919·t + 104729·i) mod 2003 − 700)/2¹⁰⁺²ᵐ.
  private static func gradient(_ step: Int, _ i: Int) -> Double {
    Double((7919 * step + 104_729 * i) % 2003 - 700) / Double(1 << (10 + i % 4 * 2))
  }

  /// Parameters and moments after some steps.
  private static func run(
    _ level: VectorLevel, steps: Int = steps, initial: Float = 0, epsilon: Double = 1e-8
  ) -> (parameters: [Float], optimizer: Optimizer) {
    let store = ParameterStore(on: Device(threads: 1, level: level))
    let parameter = store.add("p", [count], initial: initial)
    store.initialize(.kaimingUniform, from: RandomStream(seed: 0))
    let optimizer = Optimizer(
      .adam(learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: epsilon), for: store)
    for step in 0..<steps {
      parameter.gradient.withMutableElements { g in
        for i in 0..<count { g[i] = Float(gradient(step, i)) }
      }
      optimizer.update()
    }
    return (parameter.value.elements, optimizer)
  }

  @Test("The first step is the rate times the sign, and moments are (1 − β)·g and (1 − β)·g² to the last bit")
  func first() {
    for level in VectorLevel.allCases where level <= .best {
      let (parameters, optimizer) = Self.run(level, steps: 1, epsilon: 1e-30)
      for i in 0..<Self.count {
        let g = Float(Self.gradient(0, i))
        #expect(optimizer.moments[0].elements[i] == Float(0.1) * g, "\(level)")
        #expect(optimizer.moments[1].elements[i] == Float(0.001) * g * g, "\(level)")
        #expect(abs(parameters[i] + 1e-3 * (g > 0 ? 1 : -1)) < 4e-10 || g == 0, "\(level): \(parameters[i])")
      }
    }
  }

  @Test(
    "A thousand steps are PyTorch's, in single and in double precision",
    .enabled(if: PythonScript.has("torch"), "python3 with torch is not installed"))
  func torch() throws {
    let program = """
      import torch
      def run(dtype):
        p = torch.zeros(\(Self.count), dtype=dtype, requires_grad=True)
        adam = torch.optim.Adam([p], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
        i = torch.arange(\(Self.count), dtype=torch.int64)
        for t in range(\(Self.steps)):
          p.grad = (((7919 * t + 104729 * i) % 2003 - 700).to(dtype) / (2.0 ** (10 + i % 4 * 2)).to(dtype))
          adam.step()
        return p.detach().tolist()
      for dtype in (torch.float32, torch.float64):
        print(" ".join(repr(v) for v in run(dtype)))
      """
    let result = try PythonScript.run(program)
    try #require(result.status == 0, "\(result.output)")
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").compactMap { Double($0) } }
    try #require(lines.count == 2 && lines.allSatisfy { $0.count == Self.count })
    for level in VectorLevel.allCases where level <= .best {
      let parameters = Self.run(level).parameters
      // Every step adds at most half a unit in the last place, 3e-8 of the sum, to parameters of one sign: 2e-6 would be
      // 70 of them in a row in one direction. With 1 − β₂ from floats, v is wrong by 1.3e-5 and the parameters by 6e-6.
      let single = relativeDifference(parameters, lines[0])
      #expect(single < 2e-6, "\(level): \(single)")
      // β₂ itself is rounded: its powers, and with them v, are larger by up to 1.3e-8 for each step back, of which v sees
      // a thousand.
      let double = relativeDifference(parameters, lines[1])
      #expect(double < 7e-6, "\(level): \(double)")
    }
  }

  @Test("Moments of units without a gradient decay to 0 and are never denormal; other threads and modes are left alone")
  func denormals() {
    for (threads, level) in [1, 3].flatMap({ t in VectorLevel.allCases.filter { $0 <= .best }.map { (t, $0) } }) {
      let store = ParameterStore(on: Device(threads: threads, level: level)), count = 20_000
      _ = store.add("p", [count], initial: 1)
      store.initialize(.kaimingUniform, from: RandomStream(seed: 0))
      let optimizer = Optimizer(.standard, for: store)
      store.gradients.fill(1e-17)
      for _ in 0..<2 { optimizer.update() }
      store.gradients.fill(0)
      // m falls from 1e-18 below 1.2e-38 in 450 steps, v from 2e-37 in 2,800; both are 0 soon after.
      for _ in 0..<3_500 { optimizer.update() }
      for moments in optimizer.moments {
        #expect(moments.elements.allSatisfy { $0 == 0 || $0.isNormal }, "\(threads) threads, \(level)")
      }
      #expect(optimizer.moments[0].elements.allSatisfy { $0 == 0 }, "\(threads) threads, \(level)")
      #expect(optimizer.moments[1].elements.allSatisfy { $0 == 0 }, "\(threads) threads, \(level)")
    }
    // The calling thread is as it was: half of the smallest normal number is a number.
    #expect(half(.leastNormalMagnitude) > 0)
  }

  @inline(never) private func half(_ x: Float) -> Float { x * Float(Self.count) / Float(2 * Self.count) }
}
