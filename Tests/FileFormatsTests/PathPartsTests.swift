import FileFormats
import Testing

@Suite("Parts of a path")
struct PathPartsTests {
  @Test(
    "a path comes apart at its last slash, however short it is",
    arguments: [
      ("x", "", "x"), ("run", "", "run"), ("a/b", "a", "b"), ("/x", "/", "x"), ("a/b/", "a", "b"), ("./x", ".", "x"),
      ("/a/b", "/a", "b"), ("/", "/", ""), ("", "", ""),
    ])
  func parts(path: String, folder: String, name: String) {
    let parts = PathParts(path)
    #expect(parts.folder == folder)
    #expect(parts.name == name)
  }

  @Test("parts go together again", arguments: ["x", "a/b", "/x", "/a/b", "./x"])
  func join(path: String) {
    let parts = PathParts(path)
    #expect(PathParts.join(parts.folder, parts.name) == path)
  }
}
