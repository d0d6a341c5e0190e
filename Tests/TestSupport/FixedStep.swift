import Autodiff
import NeuralLayers
import Objectives
import TensorCore

/// Networks that answer what a test tells them to.
private struct FixedNetworks: StepNetworks {
  let posterior: DiagonalGaussian
  let makeDistortions: () -> Variable<Float>
  let makeOutput: () -> Variable<Float>

  var likelihood: Likelihood { .bernoulli }
  func encode(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian { posterior }
  func decode(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> { makeOutput() }
  func distortions(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    makeDistortions()
  }
  func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    makeDistortions().mean()
  }
}

/// A step whose posterior, codes and distortions a test gives.
public func fixedStep(
  images: Tensor<Float>, posterior: DiagonalGaussian, codes: Variable<Float>, step: Int, dataCount: Int,
  stream: RandomStream, pass: Pass, distortions: @escaping () -> Variable<Float>,
  output: @escaping () -> Variable<Float>
) -> TrainingStep {
  TrainingStep(
    images: images, number: step, dataCount: dataCount, stream: stream,
    networks: FixedNetworks(posterior: posterior, makeDistortions: distortions, makeOutput: output), pass: pass,
    posterior: posterior, codes: codes)
}
