import Autodiff
import TensorCore
import Testing

@Suite("The tape")
struct TapeTests {
  let device = Device(threads: 1)

  @Test("Constants are not recorded and have no gradient")
  func constants() throws {
    let tape = Tape<Double>(on: device)
    let x = tape.track(Tensor([2, 3], [2], on: device)), c = Variable(Tensor<Double>([5, 7], [2], on: device))
    #expect(!(c * c).isTracked)
    #expect((x * c).isTracked)
    let gradients = try tape.backward(from: (x * c).sum())
    #expect(gradients[x].elements == [5, 7])
  }

  @Test("No gradient passes a detached value")
  func detaching() throws {
    let tape = Tape<Double>(on: device)
    let x = tape.track(Tensor([2], [1], on: device))
    let gradients = try tape.backward(from: (x * x.detached).sum())
    #expect(gradients[x].elements == [2])
  }

  @Test("A variable used twice has the sum of the gradients, and shared buffers are not written to")
  func accumulation() throws {
    let tape = Tape<Double>(on: device)
    let x = tape.track(Tensor([1, 2], [2], on: device)), y = tape.track(Tensor([3, 4], [2], on: device))
    let sum = x + y  // both receive the same gradient tensor
    let gradients = try tape.backward(from: (sum + x * 3).sum())
    #expect(gradients[x].elements == [4, 4])
    #expect(gradients[y].elements == [1, 1])
  }

  @Test("A destination is overwritten, added to on a second use, and zeroed when the loss does not reach it")
  func destinations() throws {
    let tape = Tape<Double>(on: device)
    let used = Tensor<Double>(repeating: 9, [2], on: device), unused = Tensor<Double>(repeating: 9, [2], on: device)
    let w = tape.track(Tensor([1, 2], [2], on: device), gradientInto: used)
    _ = tape.track(Tensor([1, 2], [2], on: device), gradientInto: unused)
    try tape.backward(from: (w + w * 2).sum())
    #expect(used.elements == [3, 3])
    #expect(unused.elements == [0, 0])
  }

  @Test("The reverse pass releases every buffer that it no longer needs")
  func release() throws {
    let device = Device(threads: 1)
    func step() throws {
      let tape = Tape<Float>(on: device)
      let x = tape.track(Tensor(repeating: 0.5, [64, 64], on: device))
      try tape.backward(from: x.times(x).exp().tanh().sum())
    }
    try step()
    let before = device.pool.statistics
    for _ in 0..<10 { try step() }
    let after = device.pool.statistics
    #expect(after.bytesInUse == before.bytesInUse)
    #expect(after.misses == before.misses, "a steady state allocates nothing")
  }
}
