import Foundation
import Testing

@testable import TensorCore

@Suite("Processors that may be used")
struct AvailableProcessorsTests {
  private func quota(_ files: [String: String]) -> Int? { AvailableProcessors.quota { files[$0] } }

  @Test func `The smallest quota of a group and those above it counts, rounded up`() {
    let groups = ["/proc/self/cgroup": "0::/pod/container\n"]
    func with(_ more: [String: String]) -> Int? { quota(groups.merging(more) { $1 }) }
    #expect(with([:]) == nil)
    #expect(with(["/sys/fs/cgroup/pod/container/cpu.max": "max 100000\n"]) == nil)
    #expect(with(["/sys/fs/cgroup/pod/container/cpu.max": "150000 100000\n"]) == 2)
    #expect(
      with([
        "/sys/fs/cgroup/pod/container/cpu.max": "400000 100000\n", "/sys/fs/cgroup/pod/cpu.max": "100000 100000\n",
      ]) == 1)
    #expect(with(["/sys/fs/cgroup/cpu.max": "300000 100000\n"]) == 3)
    #expect(with(["/sys/fs/cgroup/cpu.max": "nonsense\n"]) == nil)
  }

  @Test func `Version 1 of control groups is understood`() {
    let files = [
      "/proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/x\n",
      "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "200000\n",
      "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
    ]
    #expect(quota(files) == 2)
    #expect(quota(files.merging(["/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "-1\n"]) { $1 }) == nil)
  }

  @Test func `There is at least one, and no more than the machine has`() {
    #expect((1...ProcessInfo.processInfo.activeProcessorCount).contains(AvailableProcessors.count()))
  }
}
