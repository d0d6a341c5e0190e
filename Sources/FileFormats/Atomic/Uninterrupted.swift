import Foundation

/// Makes a system call, and makes it again as often as a signal interrupts it (`EINTR`).
///
/// Which calls a signal can interrupt depends on the file system; network file systems may interrupt all of them.
package func uninterrupted(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    guard result == -1, errno == EINTR else { return result }
  }
}
