import Diagnostics
import Testing

@Suite("Text from files, where it is shown")
struct ShownTextTests {
  @Test(
    "Control characters are shown as escapes of JSON",
    arguments: [
      ("plain, π and 日本", "plain, π and 日本"), ("a\u{1B}[31mred", "a\\u001b[31mred"), ("a\rb\u{7F}", "a\\u000db\\u007f"),
      ("\u{9B}2J", "\\u009b2J"), ("gnp\u{202E}exe", "gnp\\u202eexe"), ("a\nb\tc", "a\\u000ab\\u0009c"),
      ("a\u{2028}b\u{2066}", "a\\u2028b\\u2066"), ("a\r\nb", "a\\u000d\\u000ab"),
    ])
  func controls(text: String, shown: String) {
    #expect(text.escapingControls() == shown)
  }

  @Test("Line feeds and tabs stay where lines are written")
  func lines() {
    #expect("a\nb\tc\r\u{1B}".escapingControls(keepsLines: true) == "a\nb\tc\\u000d\\u001b")
  }

  @Test(
    "Nothing of Markdown begins in a name",
    arguments: [
      ("[x](http://a)", "\\[x\\](http://a)"), ("![x](y)", "!\\[x\\](y)"), ("<img src=x>", "\\<img src=x\\>"),
      ("a|b", "a\\|b"), ("`rm`", "\\`rm\\`"), ("**b**", "\\*\\*b\\*\\*"), ("factor_vae", "factor_vae"),
      ("_x_", "\\_x\\_"), ("a\\", "a\\\\"), ("a\n# b", "a\\\\u000a# b"),
    ])
  func markdown(text: String, escaped: String) {
    #expect(text.escapedForMarkdown() == escaped)
  }

  @Test(
    "A spreadsheet computes nothing from a cell, and reads it as one cell",
    arguments: [
      ("=1+1", "\"'=1+1\""), ("+1", "\"'+1\""), ("-1", "\"'-1\""), ("@SUM(A1)", "\"'@SUM(A1)\""), ("shape", "shape"),
      ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("two words", "\"two words\""), ("", ""),
      ("\t=1", "\\u0009=1"), ("a\n=1", "a\\u000a=1"),
    ])
  func csv(text: String, cell: String) {
    #expect(text.csvCell() == cell)
  }

  @Test("An error shows the names in it without obeying them, and its action on a line of its own")
  func error() {
    let error = StructuredError("no \u{1B}[2J", at: "a\nerror: b", expected: "c\r", action: "Do d\u{1B}.")
    #expect(error.description == "a\\u000aerror: b: no \\u001b[2J (expected c\\u000d)\n  Do d\\u001b.")
  }

  @Test("Cells of tables are escaped in both styles")
  func tables() {
    let table = TextTable(title: "t\u{1B}", header: ["a|b"], rows: [["x\ny"], ["[l](u)"]], numeric: [])
    #expect(table.text(.terminal) == "t\\u001b\n  a|b\n  x\\u000ay\n  [l](u)")
    #expect(table.text(.markdown) == "## t\\\\u001b\n\n| a\\|b |\n| :--- |\n| x\\\\u000ay |\n| \\[l\\](u) |")
  }

  @Test(
    "Names that lead out of their folder, or cannot be a file's name, are none",
    arguments: [
      ("quickstart", true), ("β-vae 2.1", true), (String(repeating: "a", count: 100), true), ("..a", true),
      (String(repeating: "a", count: 101), false), (String(repeating: "é", count: 51), false), ("", false),
      (".", false),
      ("..", false), ("a/b", false), ("../x", false), ("a\\b", false), ("a\u{0}b", false), ("a\nb", false),
      ("a\u{1B}[0m", false), ("\u{202E}txt", false),
    ])
  func names(name: String, isValid: Bool) {
    #expect(FileName.isValid(name) == isValid)
  }
}
