import CVectorKernels

/// Runs `body` with denormal numbers, those below 1.2e-38 in single and 2.2e-308 in double precision, taken for zero on
/// the calling thread and in whatever it lets a ``Device`` do; afterwards the thread is as it was.
///
/// Arithmetic on denormal numbers takes up to a hundred times as long. In training they appear when the moments of
/// units without a gradient decay towards 0, and stay. A weight, an activation or a moment below 1e-38 is 0 for every
/// purpose, so training steps and networks are computed like this; so are sums of densities in single precision, whose
/// denormal terms are no part of the result. Code in double precision that sums tails of densities (mixtures, quadratures,
/// the learners of metrics) is not: there an exponential that underflows is a small number, not zero, and its
/// logarithm is finite.
///
/// Without such a mode of the processor nothing changes.
public func flushingDenormals<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
  let mode = vk_denormal_mode()
  vk_set_denormal_mode(vk_flushing_denormals())
  defer { vk_set_denormal_mode(mode) }
  return try body()
}
