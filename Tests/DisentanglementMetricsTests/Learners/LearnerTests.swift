import Diagnostics
import DisentanglementMetrics
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct LearnerTests {
  let device = Device(threads: 2)
  let stream = RandomStream(seed: 4)

  /// Rows of normal features, and classes that depend on the first two.
  func problem(_ count: Int, features: Int, classes: Int, seed: UInt64 = 1) -> (FeatureMatrix, [Int32]) {
    var stream = RandomStream(seed: seed)
    let values = (0..<count * features).map { _ in stream.normalPair().0 }
    let labels = (0..<count).map { n in
      let angle = atan2(values[n * features + 1], values[n * features]) + 0.3 * stream.normalPair().0
      return Int32((angle / (2 * .pi) + 2) * Double(classes)) % Int32(classes)
    }
    return (FeatureMatrix(values, features: features), labels)
  }

  @Test func `A stump of two classes takes the Newton step of logistic boosting`() throws {
    // Three rows left, of class 0, 0, 1; two right, of class 1; prior 3/5, so r = y − 0.6 at first.
    let rows = FeatureMatrix([0, 0, 0, 1, 1], features: 1), labels: [Int32] = [4, 4, 9, 9, 9]
    let model = try GradientBoosting(rounds: 1, depth: 1).fit(rows, labels: labels, stream: stream, device: device)
    #expect(model.classes == [4, 9])
    let nodes = model.trees[0][0].nodes
    #expect(nodes.map(\.feature) == [0, -1, -1])
    #expect(nodes[0].threshold == 0.5)
    // Σr/Σp(1 − p) with p = 0.6: (−0.6 − 0.6 + 0.4)/(3·0.24) and 2·0.4/(2·0.24).
    #expect(abs(nodes[1].value + 0.8 / 0.72) < 1e-14)
    #expect(abs(nodes[2].value - 0.4 / 0.24) < 1e-14)
    #expect(abs(model.initial[0] - log(1.5)) < 1e-15)
    #expect(model.importances == [1])
  }

  @Test(arguments: [2, 5])
  func `Boosted trees do not depend on threads or instructions, and training rows are known`(
    classes: Int
  ) throws {
    let (rows, labels) = problem(400, features: 3, classes: classes), boosting = GradientBoosting(rounds: 20)
    let model = try boosting.fit(rows, labels: labels, stream: stream, device: device)
    let alone = try boosting.fit(rows, labels: labels, stream: stream, device: Device(threads: 1))
    #expect(model.importances == alone.importances)
    #expect(model.losses == alone.losses)
    // Every level has another number of trees side by side.
    for level in VectorLevel.allCases where level <= .best {
      let other = try boosting.fit(rows, labels: labels, stream: stream, device: Device(threads: 2, level: level))
      #expect(other.importances == model.importances, "\(level)")
      #expect(other.losses == model.losses, "\(level)")
    }
    #expect(model.trainingPredictions == model.predict(rows, device: device))
    // Every round lowers the loss of the rows it learns from.
    #expect(zip(model.losses, model.losses.dropFirst()).allSatisfy { $0 > $1 })
    let importances = try #require(model.importances)
    // Of two classes only the second feature's sign tells.
    #expect(importances[1] > 0.3 && (classes == 2 || importances[0] > 0.3) && importances[2] < 0.25)
    #expect(abs(importances.reduce(0, +) - 1) < 1e-12)
  }

  @Test(arguments: [0, 1, 8])
  func `Trees of any depth send the rows that they have learnt from to the same leaves again`(depth: Int) throws {
    let (rows, labels) = problem(300, features: 3, classes: 5)
    let model = try GradientBoosting(rounds: 5, depth: depth).fit(
      rows, labels: labels, stream: stream, device: device)
    #expect(model.trainingPredictions == model.predict(rows, device: device))
    #expect(abs((model.importances ?? []).reduce(0, +) - (depth > 0 ? 1 : 0)) < 1e-12)
    for tree in model.trees.joined() {
      #expect(tree.nodes.count <= (2 << depth) - 1 && (depth == 0 || tree.nodes.count > 1))
      for node in tree.nodes where node.feature >= 0 {
        let (left, right) = (tree.nodes[Int(node.left)], tree.nodes[Int(node.right)])
        #expect(min(left.count, right.count) >= 1)
        #expect(left.count + right.count == node.count)
      }
    }
    // Leaves of one row or so leave little to learn.
    if depth == 8 { #expect(accuracy(model.trainingPredictions, labels) > 0.99) }
  }

  func accuracy(_ predictions: [Int32], _ labels: [Int32]) -> Double {
    Double(zip(predictions, labels).filter { $0 == $1 }.count) / Double(labels.count)
  }

  @Test func `Features that are equal share their importance by chance, not by order`() throws {
    let (rows, labels) = problem(300, features: 2, classes: 4)
    let doubled = FeatureMatrix(
      (0..<300).flatMap { n in (0..<4).map { rows.values[n * 2 + $0 / 2] } }, features: 4)
    let importances = try #require(
      try GradientBoosting().fit(doubled, labels: labels, stream: stream, device: device).importances)
    // 400 trees, each with several nodes: a share of a half with a standard error of some 0.03.
    #expect(abs(importances[0] / (importances[0] + importances[1]) - 0.5) < 0.15)
    #expect(abs(importances[2] / (importances[2] + importances[3]) - 0.5) < 0.15)
  }

  @Test func `Constant features are of no importance, and rows of one class are refused`() throws {
    let constant = FeatureMatrix([Double](repeating: 2, count: 40), features: 2)
    let labels = (0..<20).map { Int32($0 % 2) }
    #expect(try GradientBoosting().fit(constant, labels: labels, stream: stream, device: device).importances == [0, 0])
    #expect(try RandomForest().fit(constant, labels: labels, stream: stream, device: device).importances == [0, 0])
    let error = #expect(throws: StructuredError.self) {
      try GradientBoosting().fit(
        constant, labels: [Int32](repeating: 7, count: 20), stream: stream, device: device)
    }
    #expect(error?.description == "all 20 rows have the class 7 (expected rows of at least two classes)")
  }

  @Test func `A forest is right where it has learnt, and finds what matters`() throws {
    let (rows, labels) = problem(600, features: 4, classes: 3)
    let forest = try RandomForest().fit(rows, labels: labels, stream: stream, device: device)
    let alone = try RandomForest().fit(rows, labels: labels, stream: stream, device: Device(threads: 1))
    #expect(forest.importances == alone.importances)
    let right = zip(forest.predict(rows, device: device), labels).filter { $0 == $1 }.count
    #expect(right > 590)
    let frequencies = forest.decisionValues(rows, device: device)
    for n in 0..<600 { #expect(abs(frequencies[n * 3..<n * 3 + 3].reduce(0, +) - 1) < 1e-12) }
    let importances = try #require(forest.importances)
    #expect(abs(importances.reduce(0, +) - 1) < 1e-12)
    #expect(min(importances[0], importances[1]) > 2 * max(importances[2], importances[3]))
  }

  @Test func `A forest of depth 1 has the importances of its stumps in closed form`() throws {
    // One feature tells both classes apart, two are constant: where it is drawn it is split, and it is drawn sooner or
    // later because constant features do not count.
    let rows = FeatureMatrix((0..<60).flatMap { [1, $0 < 30 ? 0.0 : 1, 3] }, features: 3)
    let labels = (0..<60).map { Int32($0 < 30 ? 0 : 1) }
    let forest = try RandomForest(trees: 20, depth: 1).fit(rows, labels: labels, stream: stream, device: device)
    #expect(forest.importances == [0, 1, 0])
    #expect(forest.predict(rows, device: device) == labels)
  }

  @Test(
    .enabled(if: PythonScript.has("sklearn"), "scikit-learn is not installed"))
  func `A forest's importances are scikit-learn's within sampling error`() throws {
    let (rows, labels) = problem(600, features: 4, classes: 3)
    let folder = try TemporaryFolder()
    let path = folder.file("problem.csv")
    let lines = (0..<600).map { n in
      (rows.values[n * 4..<n * 4 + 4].map { "\($0)" } + ["\(labels[n])"]).joined(separator: ",")
    }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let (status, output) = try PythonScript.run(
      """
      import sys, numpy as np
      from sklearn.ensemble import RandomForestClassifier
      t = np.loadtxt(sys.argv[1], delimiter=",")
      f = [RandomForestClassifier(random_state=s).fit(t[:, :4], t[:, 4]).feature_importances_ for s in range(5)]
      print(*np.mean(f, 0))
      """, path)
    #expect(status == 0, "\(output)")
    let expected = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    let forest = try RandomForest().fit(rows, labels: labels, stream: stream, device: device)
    // Between seeds scikit-learn's own importances scatter by 0.005.
    #expect(absoluteDifference(forest.importances ?? [], expected) < 0.025)
  }

  @Test func `A support vector machine with one feature minimises its objective`() throws {
    let (rows, labels) = problem(200, features: 1 + 1, classes: 2)
    let machine = LinearSVM(penalty: 0.3, isBalanced: true, tolerance: 1e-10)
    let model = try machine.fit(rows, labels: labels, stream: stream, device: device)
    let counts = [0, 1].map { k in Double(labels.filter { $0 == Int32(k) }.count) }
    func objective(_ w: [Double]) -> Double {
      var sum = 0.5 * w.reduce(0) { $0 + $1 * $1 }
      for n in 0..<200 {
        let y = labels[n] == 1 ? 1.0 : -1, value = w[0] * rows.values[2 * n] + w[1] * rows.values[2 * n + 1] + w[2]
        let slack = max(0, 1 - y * value)
        sum += 0.3 * 200 / (2 * counts[Int(labels[n])]) * slack * slack
      }
      return sum
    }
    let best = objective(model.weights)
    for i in 0..<3 {
      for step in [-1e-3, 1e-3] {
        var other = model.weights
        other[i] += step
        #expect(objective(other) > best)
      }
    }
    // Which class comes first in the rows does not matter.
    let turned = try machine.fit(
      rows.rows(Array((0..<200).reversed())), labels: labels.reversed(), stream: stream, device: device)
    #expect(relativeDifference(turned.weights, model.weights) < 1e-6)
  }

  @Test(arguments: [2, 4])
  func `Logistic regression ends where the gradient is zero`(classes: Int) throws {
    let (rows, labels) = problem(300, features: 3, classes: classes)
    let model = try LogisticRegression(penalty: 0.7).fit(rows, labels: labels, stream: stream, device: device)
    #expect(model.isConverged)
    let p = model.probabilities(rows, device: device), columns = classes == 2 ? 1 : classes
    var slopes: [Double] = []
    for j in 0..<columns {
      let k = classes == 2 ? 1 : j
      for f in 0...3 {
        var slope = f < 3 ? model.weights[f * columns + j] : 0
        for n in 0..<300 {
          let x = f < 3 ? rows.values[n * 3 + f] : 1
          slope += 0.7 * x * (p[n * classes + k] - (labels[n] == Int32(k) ? 1 : 0))
        }
        slopes.append(slope)
      }
    }
    // 1e-9 of the first gradient, which is some hundred.
    #expect(worst(slopes) < 1e-6)
    let losses = model.losses(rows, labels: labels, device: device)
    let direct = (0..<300).map { -log(p[$0 * classes + Int(labels[$0])]) }
    #expect(absoluteDifference(losses, direct) < 1e-12)
  }

  @Test func `Lasso: soft thresholding of independent features, and none that is constant`() {
    // Two orthogonal features of variance 1 and a constant: w = sign(c)·max(|c| − α, 0).
    let signs: [(Double, Double)] = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    let rows = FeatureMatrix(signs.flatMap { [$0.0, $0.1, 5] }, features: 3)
    let target = signs.map { 2 * $0.0 - 0.05 * $0.1 + 3 }
    let model = Lasso(alpha: 0.1).fit(rows, targets: [target])[0]
    #expect(absoluteDifference(model.weights, [1.9, 0, 0]) < 1e-14)
    #expect(abs(model.intercept - 3) < 1e-14)
    // 1 − ((0.1)² + (0.05)²)/(2² + 0.05²).
    #expect(abs(model.determination(rows, targets: target) - (1 - 0.0125 / 4.0025)) < 1e-12)
  }

  @Test func `Cross-validation takes a strong penalty where features are noise`() throws {
    let (rows, _) = problem(60, features: 20, classes: 2)
    var stream = RandomStream(seed: 9)
    let noise = (0..<60).map { _ in Int32(stream.integer(below: 2)) }
    let regression = CrossValidatedLogisticRegression()
    let model = try regression.fit(rows, labels: noise, stream: stream, device: device)
    let weak = try LogisticRegression(penalty: 1e4).fit(rows, labels: noise, stream: stream, device: device)
    func size(_ w: [Double]) -> Double { w.reduce(0) { $0 + $1 * $1 } }
    #expect(size(model.weights) < 0.1 * size(weak.weights))
    // Sorted labels leave folds without a class.
    let sorted = noise.sorted()
    #expect(try regression.fit(rows, labels: sorted, stream: stream, device: device).classes == [0, 1])
  }
}
