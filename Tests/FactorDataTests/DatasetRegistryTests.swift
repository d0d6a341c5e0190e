import Diagnostics
import FactorData
import FileFormats
import TensorCore
import TestSupport
import Testing

@Suite struct DatasetRegistryTests {
  @Test("Names are unique and every entry says what it is") func entries() {
    let names = DatasetRegistry.entries.map(\.name)
    #expect(Set(names).count == names.count && names.contains("dsprites") && names.contains("file"))
    #expect(DatasetRegistry.entries.allSatisfy { !$0.summary.isEmpty })
  }

  @Test("An unknown name is an error that lists the known ones") func unknown() {
    let error = #expect(throws: StructuredError.self) { try DatasetRegistry.entry(named: "dsprite") }
    #expect(error?.what == "there is no data set \"dsprite\"" && error?.expected == "dsprites or file")
  }

  @Test("Sources that do not suit are refused") func sources() throws {
    let device = Device(threads: 1)
    let file = try DatasetRegistry.entry(named: "file"), sprites = try DatasetRegistry.entry(named: "dsprites")
    let path = #expect(throws: StructuredError.self) { try file.load(DatasetSource(), device) }
    #expect(path?.location == "dataset.path")
    let images = #expect(throws: StructuredError.self) { try sprites.load(DatasetSource(images: "x"), device) }
    #expect(images?.location == "dataset.images")
  }

  @Test("The data set \"file\" loads the arrays that the source names") func file() throws {
    let folder = try TemporaryFolder(), writer = try HDF5Writer()
    try writer.write("x", [0, 128, 255, 3] as [UInt8], shape: [2, 1, 2])
    try writer.write("y", [0, 1], shape: [2])
    try writer.save(to: folder.file("a.h5"))
    let source = DatasetSource(path: folder.file("a.h5"), images: "x", factors: "y")
    let data = try DatasetRegistry.entry(named: "file").load(source, Device(threads: 1))
    #expect(data.count == 2 && data.factors(at: 1) == [1] && data.name == folder.file("a.h5"))
    let summary = DatasetSummary(of: data, on: Device(threads: 1)).description
    #expect(summary.contains("images     2 of 1×2×1, 8 bits per pixel") && summary.contains("entropy    0.69315 nats"))
  }
}
