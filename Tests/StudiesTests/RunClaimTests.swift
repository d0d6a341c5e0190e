import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Studies

@Suite("Claims on runs")
struct RunClaimTests {
  private func take(_ folder: TemporaryFolder, patience: Double = 300) throws -> RunClaim? {
    try RunClaim.take("d", in: folder.path, patience: patience)
  }

  private func files(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }.sorted()
  }

  /// Writes a claim of another process, renewed so many seconds ago.
  private func write(_ identity: ProcessIdentity, _ name: String, age: Double, in folder: TemporaryFolder) throws {
    let path = try folder.write(JSONEncoder().encode(identity), as: name)
    let date = Date(timeIntervalSinceNow: -age)
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
  }

  /// A process of this machine that has ended.
  private static let dead: ProcessIdentity = {
    var identity = ProcessIdentity.current
    identity.started += 1
    return identity
  }()

  @Test("A run is taken by one, and by another once it is given back")
  func exclusive() throws {
    let folder = try TemporaryFolder(), claim = try #require(try take(folder))
    #expect(try take(folder) == nil && claim.renew())
    #expect(try files(folder) == ["d.1"])
    claim.release()
    #expect(try files(folder).isEmpty)
    #expect(try take(folder) != nil)
  }

  @Test("Of many threads that want a run, one gets it")
  func race() throws {
    let folder = try TemporaryFolder()
    for stale in [false, true] {
      if stale { try write(Self.dead, "d.1", age: 0, in: folder) }
      let claims = try ParallelMap.map(Array(0..<640)) { _ in
        try RunClaim.take("d", in: folder.path, patience: 300)
      }.compactMap { $0 }
      #expect(claims.count == 1)
      claims.first?.release()
      #expect(try files(folder).isEmpty)
    }
  }

  @Test("The claim of a process of this machine that has ended is stale, however fresh")
  func deadProcess() throws {
    let folder = try TemporaryFolder()
    try write(Self.dead, "d.1", age: 0, in: folder)
    let claim = try #require(try take(folder))
    #expect(try files(folder) == ["d.1", "d.2"] && take(folder) == nil)
    claim.release()
    #expect(try files(folder).isEmpty)
  }

  @Test(
    "The claim of a process that cannot be seen is stale when it was not renewed for long",
    arguments: ["boot", "namespace", "unreadable"])
  func elsewhere(difference: String) throws {
    var identity = ProcessIdentity.current
    if difference == "boot" { identity.boot = "another" }
    if difference == "namespace" { identity.namespace = "pid:[1]" }
    for (age, isTaken) in [(100.0, false), (1000.0, true)] {
      let folder = try TemporaryFolder()
      try write(identity, "d.1", age: age, in: folder)
      if difference == "unreadable" {
        _ = try folder.write("{".utf8, as: "d.1")
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: folder.file("d.1"))
      }
      #expect(try (take(folder) != nil) == isTaken)
    }
  }

  @Test("A holder whose run was taken over learns of it, and leaves the claim of the other")
  func lost() throws {
    let folder = try TemporaryFolder(), claim = try #require(try take(folder))
    try write(Self.dead, "d.2", age: 0, in: folder)
    #expect(!claim.renew())
    let other = try #require(try take(folder))
    claim.release()
    #expect(try files(folder) == ["d.2", "d.3"] && other.renew() && take(folder) == nil)
  }

  @Test("Renewing makes a claim fresh")
  func renewing() throws {
    let folder = try TemporaryFolder(), claim = try #require(try take(folder))
    let path = folder.file("d.1")
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
    #expect(claim.renew())
    let date = try #require(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
    #expect(date.timeIntervalSince1970 > 1.5e9)
  }

  @Test("Whether a process runs")
  func processes() throws {
    #expect(ProcessIdentity.current.isRunning() == true && Self.dead.isRunning() == false)
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/true")
    try child.run()
    var identity = ProcessIdentity.current
    identity.process = child.processIdentifier
    child.waitUntilExit()
    #expect(identity.isRunning() == false)
    identity.boot = ""
    #expect(identity.isRunning() == nil)
  }

  @Test("A folder that cannot be written is one error")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: StructuredError.self) {
      try RunClaim.take("d", in: folder.file("nowhere"), patience: 300)
    }
    #expect("\(try #require(error))".contains("the run cannot be claimed: No such file or directory"))
  }
}
