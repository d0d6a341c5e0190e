import Autodiff
import NeuralLayers
import Objectives
import TensorCore

/// Networks that answer what a test tells them to.
private struct FixedNetworks: StepNetworks {
  let posterior: DiagonalGaussian
  let otherPosterior: DiagonalGaussian?
  let makeDistortions: (_ codes: Variable<Float>) -> Variable<Float>
  let makeOutput: () -> Variable<Float>

  var likelihood: Likelihood { .bernoulli }
  func encode(_ images: Tensor<Float>, _ pass: Pass) -> DiagonalGaussian { otherPosterior ?? posterior }
  func decode(_ codes: Variable<Float>, _ pass: Pass) -> Variable<Float> { makeOutput() }
  func distortions(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    makeDistortions(codes)
  }
  func meanDistortion(of images: Tensor<Float>, from codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    makeDistortions(codes).mean()
  }
}

/// A step whose posterior, codes and distortions a test gives.
public func fixedStep(
  images: Tensor<Float>, posterior: DiagonalGaussian, codes: Variable<Float>, step: Int, dataCount: Int,
  stream: RandomStream, pass: Pass, distortions: @escaping () -> Variable<Float>,
  output: @escaping () -> Variable<Float>
) -> TrainingStep {
  fixedStep(
    images: images, posterior: posterior, codes: codes, step: step, dataCount: dataCount, stream: stream, pass: pass,
    distortionsOf: { _ in distortions() }, output: output)
}

/// A step whose posterior and codes a test gives, with distortions as a function of codes.
///
/// - Parameters:
///   - otherPosterior: what images other than the step's are encoded as; the step's posterior by default.
///   - pairs: the second images of pairs.
///   - labelled: labelled images.
///   - cached: the posteriors of all images.
public func fixedStep(
  images: Tensor<Float>, posterior: DiagonalGaussian, otherPosterior: DiagonalGaussian? = nil, codes: Variable<Float>,
  pairs: PairedImages? = nil, labelled: LabelledImages? = nil, cached: CachedPosteriors? = nil, step: Int,
  dataCount: Int, stream: RandomStream, pass: Pass,
  distortionsOf: @escaping (_ codes: Variable<Float>) -> Variable<Float>,
  output: @escaping () -> Variable<Float>
) -> TrainingStep {
  TrainingStep(
    images: images, pairs: pairs, labelled: labelled, cached: cached, number: step, dataCount: dataCount,
    stream: stream,
    networks: FixedNetworks(
      posterior: posterior, otherPosterior: otherPosterior, makeDistortions: distortionsOf,
      makeOutput: output), pass: pass, posterior: posterior, codes: codes)
}
