import Diagnostics
import FactorData
import FileFormats
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite struct DatasetRegistryTests {
  private func decode(_ yaml: String) throws -> ResolvedConfiguration<DatasetChoice> {
    try ConfigurationDocument(yaml: yaml, source: "test.yaml").decode()
  }

  private func error(_ yaml: String) -> StructuredError? { #expect(throws: StructuredError.self) { try decode(yaml) } }

  @Test("Every entry has a name, a summary and settings that say what to open") func entries() throws {
    let registry = Registry<DatasetEntry>.standard
    #expect(
      registry.names == [
        "dsprites", "file", "shapes3d", "mpi3d", "cars3d", "small-norb", "mnist", "fashion-mnist",
        "isaac3d", "falcor3d", "celeba", "color-dsprites", "noisy-dsprites", "scream-dsprites", "xy-squares",
        "xy-object",
      ])
    #expect(registry.entries.allSatisfy { !$0.summary.isEmpty })
    // What must be downloaded says from where, under which licence, and how large it is.
    for entry in registry.entries where entry.publishedFile != nil {
      let publication = try #require(entry.publication, "\(entry.name)")
      #expect(
        [publication.address, publication.licence, publication.size, publication.howToObtain].allSatisfy { !$0.isEmpty }
      )
    }
    #expect(try decode("{}").value.name == "dsprites")
    let drawn = try decode("name: dsprites").value, read = try decode("{name: dsprites, path: a.h5}").value
    #expect(drawn.files == [] && read.files == ["a.h5"] && read.settings.variant == "")
    let file = try decode("{name: file, path: b.npz, images: x, factors: y}").value
    #expect(file.files == ["b.npz"] && file.settings.variant == "x")
  }

  @Test("An unknown name or key is an error with the nearest known one") func unknown() {
    let name = error("name: dsprite")
    #expect(name?.what == "name is 'dsprite'" && name?.location == "test.yaml:1:7")
    #expect(
      name?.expected?.hasPrefix("one of dsprites, file, shapes3d") == true && name?.action == "Did you mean dsprites?")
    let key = error("{name: file, path: a.h5, image: x}")
    #expect(key?.what == "unknown key image" && key?.action?.hasPrefix("Did you mean images?") == true)
    let other = error("{name: dsprites, images: x}")
    #expect(other?.what == "unknown key images" && other?.action == "Known keys: name, path.")
    let path = error("name: file")
    #expect(path?.what == "the key path is missing" && path?.expected == "text")
    #expect(error("{name: file, path: null}")?.what == "path is empty")
  }

  @Test("Configurations resolved by earlier versions decode, null keys included") func earlierVersions() throws {
    let sprites = try decode("{name: dsprites, path: null, images: null, factors: null}")
    #expect(sprites.value.name == "dsprites" && sprites.yaml == "name: dsprites\npath: null\n")
    #expect(try decode("name: dsprites").yaml == sprites.yaml)
    let file = try decode("{name: file, path: data.h5, images: null, factors: null}")
    #expect(file.yaml == "name: file\npath: data.h5\nimages: null\nfactors: null\n")
    #expect(file.value.settings.files == ["data.h5"])
    #expect(error("{name: dsprites, path: null, images: null, factors: y}")?.what == "unknown key factors")
  }

  @Test("The data set \"file\" loads the arrays that the settings name") func file() throws {
    let folder = try TemporaryFolder(), writer = try HDF5Writer(), device = Device(threads: 1)
    try writer.write("x", [0, 128, 255, 3] as [UInt8], shape: [2, 1, 2])
    try writer.write("y", [0, 1], shape: [2])
    try writer.save(to: folder.file("a.h5"))
    let choice = try decode("{name: file, path: \(folder.file("a.h5")), images: x, factors: y}").value
    let data = try choice.open(on: device)
    #expect(data.count == 2 && data.factors.values(at: 1) == [1] && data.name == folder.file("a.h5"))
    let summary = try DatasetSummary(of: data, on: device).description
    #expect(summary.contains("images     2 of 1×2×1, 8 bits per pixel") && summary.contains("entropy    0.69315 nats"))
  }

  /// A data set as another package would add it.
  private struct Stripes: FactorDataset {
    struct Configuration: DatasetConfiguration {
      let images: Int
      let described: Int
      init(from section: inout ConfigurationSection) throws {
        images = try section.integer("count", default: 4, in: .atLeast(0))
        described = try section.integer("described", default: images)
      }
      func open(on device: Device) throws -> any FactorDataset {
        let table = try FactorTable([Factor("row", size: 9)], values: (0..<described).map { Int32($0) })
        return Stripes(images: Generated(count: images, shape: ImageShape(height: 4, width: 4)), factors: .table(table))
      }
      var files: [String] { [] }
      var variant: String { "\(images)" }
    }
    let name = "stripes"
    let images: any ImageSource
    let factors: Factors
  }

  @Test("An added entry decodes its own settings, and what it opens is checked") func added() throws {
    var registry = Registry<DatasetEntry>.standard
    registry.add(DatasetEntry(name: "stripes", summary: "stripes", configuration: Stripes.Configuration.self))
    func open(_ yaml: String) throws -> any FactorDataset {
      let document = try ConfigurationDocument(yaml: "dataset: {name: stripes, \(yaml)}", source: "test.yaml")
      let registry = registry
      return try document.decode { section in
        try section.section("dataset") { try DatasetChoice(from: &$0, registry: registry) }
      }.value.open(on: Device(threads: 1))
    }
    #expect(try open("count: 3").count == 3)
    let wrong = #expect(throws: StructuredError.self) { try open("count: 3, described: 5") }
    #expect(wrong?.what == "the factors of the data set cover 5 images" && wrong?.location == "stripes")
    let empty = #expect(throws: StructuredError.self) { try open("count: 0") }
    #expect(empty?.what == "the data set has no images")
    let key = #expect(throws: StructuredError.self) { try open("cuont: 3") }
    #expect(key?.what == "unknown key dataset.cuont" && key?.action?.hasPrefix("Did you mean count?") == true)
  }
}
