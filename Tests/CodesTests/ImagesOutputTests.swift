import Codes
import Diagnostics
import Foundation
import TestSupport
import Testing

@Suite("Where decoded images go")
struct ImagesOutputTests {
  @Test("The name tells what is written")
  func names() throws {
    #expect(try ImagesOutput("a.h5") == .arrays("a.h5"))
    #expect(try ImagesOutput("x.y/a.HDF5") == .arrays("x.y/a.HDF5"))
    #expect(try ImagesOutput("a.b.npz") == .arrays("a.b.npz"))
    #expect(try ImagesOutput("a.png", columns: 7) == .grid("a.png", columns: 7))
    #expect(try ImagesOutput("x.y/pictures") == .folder("x.y/pictures"))
    #expect(try ImagesOutput("pictures.d/") == .folder("pictures.d/"))
    let error = #expect(throws: StructuredError.self) { try ImagesOutput("a.jpg") }
    #expect(error?.expected == "a name that ends in .h5, .npz or .png, or the name of a new folder")
  }

  @Test("A picture of too many images is refused before they are decoded")
  func tooMany() throws {
    let folder = try TemporaryFolder(), path = folder.file("a.png")
    try ImagesOutput(path).requireWritable(overwrite: false, count: 1_000)
    try ImagesOutput(path, columns: 1).requireWritable(overwrite: false, count: 200)
    for (columns, count, most) in [(10, 1_001, 1_000), (1, 201, 200), (100, 1_001, 1_000)] {
      let error = #expect(throws: StructuredError.self) {
        try ImagesOutput(path, columns: columns).requireWritable(overwrite: false, count: count)
      }
      #expect(error?.expected == "at most \(most) in rows of \(columns)")
    }
  }

  @Test("What is there is never replaced by a folder, and files only if asked")
  func existing() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("mine".utf8, as: "pictures")
    _ = try folder.write("mine".utf8, as: "a.png")
    for name in ["pictures", "pictures/"] {
      let error = #expect(throws: StructuredError.self) {
        try ImagesOutput(folder.file(name)).requireWritable(overwrite: true)
      }
      #expect(error?.action == "Choose another --output.")
    }
    #expect(throws: StructuredError.self) {
      try ImagesOutput(folder.file("a.png")).requireWritable(overwrite: false)
    }
    let foreign = #expect(throws: StructuredError.self) {
      try ImagesOutput(folder.file("a.png")).requireWritable(overwrite: true)
    }
    #expect(foreign?.what == "the file that is there is of another kind and is not replaced")
    _ = try folder.write([0x89] + Array("PNG\r\n\u{1a}\n".utf8), as: "a.png")
    try ImagesOutput(folder.file("a.png")).requireWritable(overwrite: true)
    let orphan = #expect(throws: StructuredError.self) {
      try ImagesOutput(folder.file("gone/new")).requireWritable(overwrite: true)
    }
    #expect(orphan?.what.hasSuffix("does not exist") == true)
  }
}
