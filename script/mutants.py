"""Chooses lines of source for script/mutation, and writes their mutants: what stands in the line instead of an operator or a
constant, and the declarations that it needs. An operator becomes one of its own, made of ~, ^ and |, whose definition looks
at the active mutant; so no parser is needed, and the compiler says which mutants have a type."""
import random
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ["Objectives", "RateDecomposition", "DisentanglementMetrics", "TensorCore", "Autodiff"]

# operator: (what it may become, precedence, constraints of the operands, whether it assigns)
ARITHMETIC = {
    "+": (["-"], "AdditionPrecedence", ["AdditiveArithmetic"]),
    "-": (["+"], "AdditionPrecedence", ["AdditiveArithmetic"]),
    "*": (["+"], "MultiplicationPrecedence", ["Numeric"]),
    "/": (["*"], "MultiplicationPrecedence", ["BinaryInteger", "FloatingPoint"]),
    "%": (["/"], "MultiplicationPrecedence", ["BinaryInteger"]),
    "&+": (["&-"], "AdditionPrecedence", ["FixedWidthInteger"]),
    "&-": (["&+"], "AdditionPrecedence", ["FixedWidthInteger"]),
    "&*": (["&+"], "MultiplicationPrecedence", ["FixedWidthInteger"]),
    "&": (["|"], "MultiplicationPrecedence", ["BinaryInteger"]),
    "|": (["&"], "AdditionPrecedence", ["BinaryInteger"]),
    "^": (["|"], "AdditionPrecedence", ["BinaryInteger"]),
}
SHIFTS = {"<<": ">>", ">>": "<<"}
ASSIGNMENTS = {
    "+=": ("-=", ["AdditiveArithmetic"]), "-=": ("+=", ["AdditiveArithmetic"]), "*=": ("+=", ["Numeric"]),
    "/=": ("*=", ["BinaryInteger", "FloatingPoint"]), "&+=": ("&-=", ["FixedWidthInteger"]),
    "&*=": ("&+=", ["FixedWidthInteger"]), "^=": ("|=", ["BinaryInteger"]), "|=": ("&=", ["BinaryInteger"]),
    "&=": ("|=", ["BinaryInteger"]),
}
COMPARISONS = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"]}
EQUALITIES = {"==": "!=", "!=": "=="}
LOGIC = {"&&": ("||", "LogicalConjunctionPrecedence"), "||": ("&&", "LogicalDisjunctionPrecedence")}
BINARY = sorted([*ARITHMETIC, *SHIFTS, *ASSIGNMENTS, *COMPARISONS, *EQUALITIES, *LOGIC], key=len, reverse=True)
SITES = re.compile(
    r"(?P<binary>(?<=\s)(?:" + "|".join(map(re.escape, BINARY)) + r")(?=\s))"
    r"|(?P<range>(?<=[\w)\]])(?:\.\.<|\.\.\.)(?=[\w(]))"
    r"|(?P<prefix>(?<![\w)\]>.\x01])[-!](?=[A-Za-z_(]))"
    r"|(?P<extreme>(?<![\w.])(?:max|min)(?=\())"
    r"|(?P<bool>(?<![\w.`])(?:true|false)\b)"
    r"|(?P<number>(?:(?<![\w.$`])|(?<=\.\.\.))(?:0x[0-9a-fA-F_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d+)?)(?![\w]))"
)
SKIPPED_LINES = re.compile(r"^\s*(import|infix|prefix|postfix|@|#)|\bfunc [^\w\s(]+ |\bcase \w+ = ")


def masked(text):
    """The text with comments and string literals blanked out, of the same length."""
    out, i = list(text), 0

    def blank(start, end):
        for k in range(start, min(end, len(out))):
            if out[k] != "\n":
                out[k] = "\x01"

    while i < len(text):
        if text.startswith("//", i):
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
        elif text.startswith("/*", i):
            end, depth = i + 2, 1
            while depth and end < len(text):
                if text.startswith("/*", end) or text.startswith("*/", end):
                    depth += 1 if text[end] == "/" else -1
                    end += 2
                else:
                    end += 1
        elif (opening := re.compile(r'(#*)("""|")').match(text, i)):
            hashes, quote = opening.groups()
            end, depth = opening.end(), 0
            while end < len(text):
                if text.startswith("\\" + hashes + "(", end):
                    depth, end = depth + 1, end + len(hashes) + 2
                elif depth and text[end] in "()":
                    depth, end = depth + (1 if text[end] == "(" else -1), end + 1
                elif not depth and text[end] == "\\" and not hashes:
                    end += 2
                elif not depth and text.startswith(quote + hashes, end):
                    end += len(quote + hashes)
                    break
                else:
                    end += 1
        else:
            i += 1
            continue
        blank(i, end)
        i = end
    return "".join(out)


def changed_number(literal, choice):
    """Another constant of the same kind: 1 more or 1 less, the double, the negative, or a threshold a thousandfold."""
    plain = literal.replace("_", "")
    if plain.startswith("0x"):
        return hex(int(plain, 16) + (1 if choice.random() < 0.5 else 2))
    if re.fullmatch(r"\d+", plain):
        value = int(plain)
        return str(value + 1 if value == 0 or choice.random() < 0.5 else value - 1)
    value = float(plain)
    if value == 0:
        return "1.0"
    if value < 1e-3:
        return repr(value * 1000)
    return choice.choice([repr(value + 1), repr(value * 2), f"-{plain}"])


def operator_name(number):
    return "~" + "".join("~^|"[(number // 3**k) % 3] for k in range(6)) + "~"


def mutated(number, kind, token, choice):
    """The replacement of a token, its declarations for all modules, those for Variable, and how it reads."""
    active, name = f"isMutant({number})", operator_name(number)
    inline = "@inlinable @inline(__always) public func"

    def binary(op, other, precedence, constraints):
        text = f"infix operator {name} : {precedence}\n"
        for constraint in constraints:
            text += f"{inline} {name} <T: {constraint}>(a: T, b: T) -> T {{ {active} ? a {other} b : a {op} b }}\n"
        return text

    if kind == "binary" and token in ARITHMETIC:
        others, precedence, constraints = ARITHMETIC[token]
        text = binary(token, others[0], precedence, constraints)
        if token in "+-":
            for pointer in ["UnsafePointer<T>", "UnsafeMutablePointer<T>"]:
                text += f"{inline} {name} <T>(a: {pointer}, b: Int) -> {pointer} {{ {active} ? a {others[0]} b : a {token} b }}\n"
        variables = ""
        if token in "+-*/":
            for a, b in [("Variable<S>", "Variable<S>"), ("Variable<S>", "S"), ("S", "Variable<S>")]:
                if not (token == "/" and a == "S"):
                    variables += (
                        f"public func {name} <S>(a: {a}, b: {b}) -> Variable<S> "
                        f"{{ {active} ? a {others[0]} b : a {token} b }}\n")
        return name, text, variables, others[0]
    if kind == "binary" and token in SHIFTS:
        other = SHIFTS[token]
        text = f"infix operator {name} : BitwiseShiftPrecedence\n"
        text += f"{inline} {name} <T: BinaryInteger, U: BinaryInteger>(a: T, b: U) -> T {{ {active} ? a {other} b : a {token} b }}\n"
        return name, text, "", other
    if kind == "binary" and token in ASSIGNMENTS:
        other, constraints = ASSIGNMENTS[token]
        text = f"infix operator {name} : AssignmentPrecedence\n"
        for constraint in constraints:
            text += (
                f"{inline} {name} <T: {constraint}>(a: inout T, b: T) "
                f"{{ if {active} {{ a {other} b }} else {{ a {token} b }} }}\n")
        return name, text, "", other
    if kind == "binary" and token in COMPARISONS:
        other = choice.choice(COMPARISONS[token])
        text = f"infix operator {name} : ComparisonPrecedence\n"
        text += f"{inline} {name} <T: Comparable>(a: T, b: T) -> Bool {{ {active} ? a {other} b : a {token} b }}\n"
        return name, text, "", other
    if kind == "binary" and token in EQUALITIES:
        other = EQUALITIES[token]
        text = f"infix operator {name} : ComparisonPrecedence\n"
        text += f"{inline} {name} <T: Equatable>(a: T, b: T) -> Bool {{ {active} ? a {other} b : a {token} b }}\n"
        text += (
            f"{inline} {name} <T>(a: T?, b: _OptionalNilComparisonType) -> Bool "
            f"{{ {active} ? a {other} nil : a {token} nil }}\n")
        return name, text, "", other
    if kind == "binary":
        other, precedence = LOGIC[token]
        text = f"infix operator {name} : {precedence}\n"
        text += (
            f"{inline} {name} (a: Bool, b: @autoclosure () throws -> Bool) rethrows -> Bool "
            f"{{ if {active} {{ return try a {other} b() }} else {{ return try a {token} b() }} }}\n")
        return name, text, "", other
    if kind == "range":
        result = "Range" if token == "..<" else "ClosedRange"
        text = f"infix operator {name} : RangeFormationPrecedence\n"
        text += (
            f"{inline} {name} <T: Strideable>(a: T, b: T) -> {result}<T> where T.Stride: SignedInteger "
            f"{{ a{token}({active} && b > a ? b.advanced(by: -1) : b) }}\n")
        return name, text, "", f"{token} without the last"
    if kind == "prefix":
        text = f"prefix operator {name}\n"
        if token == "!":
            return name, text + f"@inlinable @inline(__always) public prefix func {name} (a: Bool) -> Bool {{ {active} ? a : !a }}\n", "", "(nothing)"
        text += f"@inlinable @inline(__always) public prefix func {name} <T: SignedNumeric>(a: T) -> T {{ {active} ? a : -a }}\n"
        return name, text, f"public prefix func {name} <S>(a: Variable<S>) -> Variable<S> {{ {active} ? a : -a }}\n", "(nothing)"
    if kind == "extreme":
        other = "min" if token == "max" else "max"
        text = f"{inline} mutant{number}<T: Comparable>(_ a: T, _ b: T) -> T {{ {active} ? {other}(a, b) : {token}(a, b) }}\n"
        return f"mutant{number}", text, "", other
    if kind == "bool":
        other = "false" if token == "true" else "true"
        return f"({active} ? {other} : {token})", "", "", other
    other = changed_number(token, choice)
    return f"({active} ? {other} : {token})", "", "", other


def sites(seed):
    """All lines with a site, in random order, each with one mutation."""
    lines = []
    for module in MODULES:
        for path in sorted((ROOT / "Sources" / module).rglob("*.swift")):
            text = path.read_text()
            for number, line in enumerate(masked(text).split("\n")):
                if not SKIPPED_LINES.search(line) and SITES.search(line):
                    lines.append((module, str(path.relative_to(ROOT)), number, line))
    choice = random.Random(seed)
    choice.shuffle(lines)
    for identity, (module, path, number, line) in enumerate(lines, 1):
        match = choice.choice(list(SITES.finditer(line)))
        kind = next(k for k, v in match.groupdict().items() if v is not None)
        token = match.group()
        code, declarations, variables, reads = mutated(identity, kind, token, choice)
        yield dict(
            id=identity, module=module, path=path, line=number, column=match.start(), token=token, code=code,
            declarations=declarations, variables=variables, change=f"{token}  →  {reads}")
    print(f"{len(lines)} lines hold an operator or a constant", file=sys.stderr)
