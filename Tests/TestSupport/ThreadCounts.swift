/// The thread counts that everything parallel is tested at: one, the usual few, a number that divides nothing, and more
/// than there are cores.
public let threadCounts = [1, 2, 3, 8, 64]
