import Diagnostics
import Testing

@Suite("Memory that a computation takes")
struct MemoryRequirementTests {
  private let small = AvailableMemory(bytes: 1_000_000_000, source: "the memory of this machine")

  @Test func `What does not fit is an error with both numbers, its key and what to do`() throws {
    let requirement = MemoryRequirement(
      "the densities of a batch", bytes: saturatingProduct(500_000, 500_000, 10, 4), at: "training.batch_size",
      action: "Choose a smaller batch.")
    let error = #expect(throws: StructuredError.self) { try requirement.check(against: small) }
    #expect(
      error?.description == """
        training.batch_size: the densities of a batch would take 10.0 TB of memory (expected at most 1.0 GB, the memory of \
        this machine)
          Choose a smaller batch.
        """)
  }

  @Test func `What fits is not refused: the bound is the memory`() throws {
    try MemoryRequirement("it", bytes: 1_000_000_000).check(against: small)
    #expect(throws: StructuredError.self) { try MemoryRequirement("it", bytes: 1_000_000_001).check(against: small) }
    try MemoryRequirement("nothing", bytes: 0).check()
    #expect(throws: StructuredError.self) { try MemoryRequirement("all", bytes: .max).check() }
  }

  @Test(arguments: [
    (0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (84_200_000_000, "84.2 GB"), (999_949, "999.9 kB"),
    (999_960, "1.0 MB"), (2_500_000_000_000, "2.5 TB"), (9_000_000_000_000_000_000, "9.0 EB"),
    (Int.max, "more than 9 EB"),
  ])
  func `Bytes are told in units of a thousand`(bytes: Int, text: String) {
    #expect(MemoryRequirement.text(bytes) == text)
  }

  @Test func `Products and sums that overflow are the largest number, and 0 times anything is 0`() {
    #expect(saturatingProduct(1 << 32, 1 << 32) == .max)
    #expect(saturatingProduct(1 << 31, 1 << 31) == 1 << 62)
    #expect(saturatingProduct(.max, .max, 0) == 0)
    #expect(saturatingProduct([]) == 1)
    #expect(saturatingSum(.max, 1) == .max && saturatingSum(2, 3) == 5 && saturatingSum(.max, .max, .max) == .max)
  }

  @Test func `The limit of a container counts where it is smaller, in both versions of control groups`() {
    func memory(_ files: [String: String]) -> AvailableMemory { AvailableMemory(physical: 1 << 34) { files[$0] } }
    let groups = "0::/pod/container\n", machine = "the memory of this machine"
    #expect(memory([:]) == AvailableMemory(bytes: 1 << 34, source: machine))
    for (limit, bytes) in [("max\n", 1 << 34), ("1073741824\n", 1 << 30), ("99999999999999\n", 1 << 34)] {
      let found = memory(["/proc/self/cgroup": groups, "/sys/fs/cgroup/pod/memory.max": limit])
      #expect(found.bytes == bytes, "\(limit)")
      #expect((found.source == machine) == (bytes == 1 << 34), "\(found.source)")
    }
    let first = "4:memory:/x\n3:cpu,cpuacct:/x\n"
    #expect(
      memory(["/proc/self/cgroup": first, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "536870912\n"]).bytes
        == 1 << 29)
    // Version 1 says "no limit" with a number larger than any machine's memory.
    #expect(
      memory(["/proc/self/cgroup": first, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n"])
        .bytes
        == 1 << 34)
    #expect(AvailableMemory.ofThisProcess.bytes > 1 << 20)
  }
}
