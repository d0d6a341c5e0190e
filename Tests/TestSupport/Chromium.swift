import Foundation

/// Headless Chromium, in which pages are opened as a reader would open them.
public enum Chromium {
  /// What a page did.
  public struct Visit {
    /// What the probe returned, as JSON.
    public let result: Data
    /// Everything that the browser's console showed: a good page is silent.
    public let console: [String]
  }

  /// The browser's path; nil where there is none.
  public static let path: String? = ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":").map { "\($0)/\(name)" }
  }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Opens a page from the disk and runs a probe in it.
  ///
  /// - Parameters:
  ///   - html: the page.
  ///   - probe: the body of an asynchronous JavaScript function; what it returns must fit into JSON.
  ///   - folder: where the page is put.
  ///   - size: of the window, in pixels.
  public static func visit(
    _ html: String, in folder: TemporaryFolder, size: (width: Int, height: Int) = (1280, 1000), probe: String
  ) throws -> Visit {
    let mark = "probe-\(UUID().uuidString)"
    let script = """
      <script>
      (async () => {
        const element = document.createElement("pre");
        try { element.textContent = JSON.stringify(await (async () => { \(probe) })()); }
        catch (error) { console.error("probe: " + error.stack); }
        element.id = "\(mark)";
        document.body.append(element);
      })();
      </script>
      """
    let body = html.range(of: "</body>", options: .backwards)
    let page = body.map { html.replacingCharacters(in: $0, with: script + "</body>") } ?? html + script
    let file = try folder.write(page.utf8, as: "page.html")
    let process = Process(), output = try folder.write([], as: "dom"), errors = try folder.write([], as: "console")
    process.executableURL = URL(fileURLWithPath: path ?? "")
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--user-data-dir=\(folder.file("browser"))", "--window-size=\(size.width),\(size.height)",
      "--enable-logging=stderr", "--virtual-time-budget=30000", "--dump-dom", "file://\(file)",
    ]
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    process.waitUntilExit()
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
    let dom = try text(output)
    let inside = dom.components(separatedBy: "id=\"\(mark)\">").dropFirst().first?.components(separatedBy: "</pre>")
      .first
    let result = (inside ?? "null").replacingOccurrences(of: "&lt;", with: "<")
      .replacingOccurrences(of: "&gt;", with: ">").replacingOccurrences(of: "&amp;", with: "&")
    return Visit(
      result: Data(result.utf8),
      console: try text(errors).split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") })
  }
}
