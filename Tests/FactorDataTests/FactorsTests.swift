import Diagnostics
import FactorData
import Foundation
import Testing

@Suite struct FactorsTests {
  private let list = [Factor("colour", size: 2, kind: .categorical), Factor("turn", size: 3, kind: .cyclic)]

  @Test("A grid and its table agree") func agree() throws {
    let space = try FactorSpace(list), grid = Factors.grid(space)
    let values = (0..<6).flatMap { space.values(at: $0).map { Int32($0) } }
    let listed = try FactorTable(list, values: values), table = Factors.table(listed)
    #expect(listed.grid() == space && grid.grid == space && table.grid == nil)
    for factors in [grid, table] {
      #expect(factors.names == ["colour", "turn"] && factors.sizes == [2, 3] && factors.imageCount == 6)
      #expect(factors.isComplete && factors.unknownCounts == [0, 0] && !factors.isEmpty)
      #expect(factors.column(1) == [0, 1, 2, 0, 1, 2] && factors.values(at: 4) == [1, 1])
      #expect(factors.value(of: 0, at: 3) == 1)
      #expect(try factors.completeImages(location: "here") == nil)
    }
    var swapped = values
    swapped.swapAt(1, 3)
    #expect(try FactorTable(list, values: swapped).grid() == nil)
    #expect(try FactorTable(list, values: Array(values.prefix(10))).grid() == nil)
  }

  @Test("Unknown values are nil and are counted; images whose factors are all known are found, or there is one error")
  func unknown() throws {
    let table = try FactorTable(list, values: [0, 1, 1, -1, -1, -1, 0, 2])
    let factors = Factors.table(table)
    #expect(factors.values(at: 1) == [1, nil] && factors.value(of: 0, at: 2) == nil)
    #expect(
      factors.unknownCounts == [1, 2] && !factors.isComplete && table.isComplete(at: 3) && !table.isComplete(at: 1))
    #expect(try factors.completeImages(location: "run") == [0, 3])
    let nowhere = Factors.table(try FactorTable(list, values: [0, -1, -1, 2, 1, -1]))
    let error = #expect(throws: StructuredError.self) { try nowhere.completeImages(location: "run") }
    #expect(
      error?.what
        == "no image has known values of all factors; of 3 images are unknown: colour for 1, turn for 2"
        && error?.location == "run")
    let none = #expect(throws: StructuredError.self) { try Factors.none.completeImages(location: "run") }
    #expect(none?.what == "the data set has no factors")
    #expect(Factors.none.imageCount == nil && Factors.none.isComplete && Factors.none.values(at: 7).isEmpty)
  }

  @Test("Tables that do not fit together are refused") func refused() throws {
    func error(_ factors: [Factor], _ values: [Int32]) -> StructuredError? {
      #expect(throws: StructuredError.self) { try FactorTable(factors, values: values, location: "t") }
    }
    #expect(error([], [])?.expected == "factors [N, K] with K ≥ 1")
    #expect(error(list, [0, 1, 0])?.what == "3 factor values do not form rows of 2")
    let range = error(list, [0, 1, 0, 3])
    #expect(range?.what == "image 1 has the value 3 of factor \"turn\"" && range?.location == "t")
    #expect(range?.expected == "0 to 2, or -1 where it is unknown")
    #expect(error(list, [0, -2])?.what == "image 0 has the value -2 of factor \"turn\"")
    #expect(error([list[0], list[0]], [0, 0])?.what == "two factors are called \"colour\"")
  }

  @Test("dSprites says which factors are categories and angles; a name alone says it of shape only") func kinds() throws
  {
    #expect(DSprites.factors.map(\.kind) == [.categorical, .ordered, .cyclic, .ordered, .ordered])
    #expect(Factor.Kind(ofFactorNamed: "shape") == .categorical && Factor.Kind(ofFactorNamed: "scale") == .ordered)
    #expect(try Factor.Kind(text: "cyclic", at: "") == .cyclic)
    let data = try JSONEncoder().encode(list)
    #expect(try JSONDecoder().decode([Factor].self, from: data) == list)
  }
}
