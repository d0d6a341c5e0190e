import Diagnostics
import FactorData
import Testing

@Suite struct FactorSpaceTests {
  @Test("Indices and values are inverse to each other") func inverse() throws {
    let space = try FactorSpace([Factor("a", size: 3), Factor("b", size: 1), Factor("c", size: 4)])
    #expect(space.count == 12 && space.strides == [4, 4, 1] && space.sizes == [3, 1, 4])
    for index in 0..<space.count {
      let values = space.values(at: index)
      #expect(try space.index(of: values) == index)
      #expect(values == (0..<3).map { space.value(of: $0, at: index) })
    }
    #expect(space.values(at: 7) == [1, 0, 3])
  }

  @Test("dSprites has the published strides") func dSprites() throws {
    let space = try FactorSpace(DSprites.factors)
    #expect(space.strides == [245_760, 40_960, 1024, 32, 1] && space.count == 737_280)
  }

  @Test("Values out of range, wrong numbers of them and repeated names are refused") func refused() throws {
    let space = try FactorSpace([Factor("a", size: 3), Factor("b", size: 2)])
    let range = #expect(throws: StructuredError.self) { try space.index(of: [0, 2]) }
    #expect(range?.what == "factor \"b\" has no value 2" && range?.expected == "0 to 1")
    #expect(throws: StructuredError.self) { try space.index(of: [0, -1]) }
    #expect(throws: StructuredError.self) { try space.index(of: [0]) }
    #expect(throws: StructuredError.self) { try FactorSpace([Factor("a", size: 3), Factor("a", size: 2)]) }
    #expect(throws: StructuredError.self) { try FactorSpace([Factor("a", size: .max), Factor("b", size: 2)]) }
  }
}
