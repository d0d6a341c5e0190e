import Diagnostics
import DisentanglementMetrics
import Testing

@Suite struct LabeledCodesTests {
  @Test func `A code that is not finite is named by row and column`() {
    let error = #expect(throws: StructuredError.self) {
      try LabeledCodes(codes: [0, 1, 2, .nan], latents: 2, factors: [0, 1], names: ["shape"], location: "codes.h5")
    }
    #expect(error?.description.hasPrefix("codes.h5: codes[1, 1] is nan (expected finite codes)") == true)
  }

  @Test func `A negative factor is named by row and column`() {
    let error = #expect(throws: StructuredError.self) {
      try LabeledCodes(codes: [0, 1, 2, 3], latents: 2, factors: [0, -1], names: ["shape"])
    }
    #expect(error?.what == "factors[1, 0] is -1")
  }

  @Test func `A factor beyond its size is named`() {
    let error = #expect(throws: StructuredError.self) {
      try LabeledCodes(codes: [0, 1, 2, 3], latents: 2, factors: [0, 3], names: ["shape"], sizes: [3])
    }
    #expect(error?.description == "factor \"shape\" has the value 3 (expected values below its size, 3)")
  }

  @Test func `Rows are taken in the order asked for`() throws {
    let codes = try LabeledCodes(codes: [0, 1, 2, 3, 4, 5], latents: 2, factors: [0, 1, 2], names: ["shape"])
    let chosen = codes.rows([2, 0])
    #expect(chosen.codes == [4, 5, 0, 1])
    #expect(chosen.factors == [2, 0])
    #expect(chosen.factorSizes == [3])
  }
}
