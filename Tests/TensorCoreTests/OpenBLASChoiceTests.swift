import Testing

@testable import TensorCore

@Suite("OpenBLAS's kernels")
struct OpenBLASChoiceTests {
  @Test("the kernels that OpenBLAS falls back on are replaced by the best that the processor can run")
  func fallback() {
    #expect(OpenBLASChoice.replacement(for: "Prescott", at: .avx512) == "SkylakeX")
    #expect(OpenBLASChoice.replacement(for: "Prescott", at: .avx2) == "Haswell")
    #expect(OpenBLASChoice.replacement(for: "Prescott", at: .plain) == nil)
  }

  @Test("kernels for a processor that OpenBLAS recognized stay", arguments: VectorLevel.allCases)
  func recognized(level: VectorLevel) {
    for core in ["Nehalem", "Haswell", "Zen", "SkylakeX", "Cooperlake", "armv8"] {
      #expect(OpenBLASChoice.replacement(for: core, at: level) == nil)
    }
  }
}
