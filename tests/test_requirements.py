"""Every requirement of the client's report and card (S001-S192) is named where it is checked: in a
test, or in docs/decisions.md with the reason why it is met otherwise.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CITED = re.compile(r"\bS(\d{3})(?:-S(\d{3}))?\b")
TRAINING = range(22, 130)  # training and evaluation: named by the test itself, one by one
ALL = range(1, 193)
LONGEST = 8  # requirements that may be named as from-to
OPEN = {
    176: "whether scripts leave listeners behind on a page that stays open has not been measured",
    180: "no people beside the project's own have tried the pages yet",
}


def numbers(text: str) -> set[int]:
    """The requirements that a text names; S041-S043 are three."""
    found: set[int] = set()
    for first, last in CITED.findall(text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def modules() -> Iterator[str]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path != Path(__file__):
            yield path.read_text()


def each_test(source: str) -> Iterator[str]:
    """Each test as it is written: decorators, docstring, comments."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(wrap.lineno for wrap in node.decorator_list)])
            yield "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def decided() -> set[int]:
    return numbers((ROOT / "docs" / "decisions.md").read_text())


def written(missing: set[int]) -> list[str]:
    return [f"S{number:03}" for number in sorted(missing)]


def test_each_row_of_training_and_evaluation_has_a_test_or_a_decision() -> None:
    by_tests = {n for source in modules() for test in each_test(source) for n in numbers(test)}
    assert written(set(TRAINING) - by_tests - decided()) == []


def test_every_requirement_is_named_somewhere() -> None:
    """What is not is listed above with the reason, and leaves the list when it is."""
    named = {number for source in modules() for number in numbers(source)} | decided()
    assert written(set(ALL) - named) == written(set(OPEN))


def test_only_requirements_are_named_and_no_long_row_of_them_at_once() -> None:
    cited = [pair for source in modules() for pair in CITED.findall(source)]
    spans = {f"S{first}-S{last}": int(last) - int(first) + 1 for first, last in cited if last}
    assert {span: count for span, count in spans.items() if not 1 < count <= LONGEST} == {}
    assert {number for source in modules() for number in numbers(source)} <= set(ALL)


def test_a_name_and_a_row_of_names_are_understood() -> None:
    assert numbers("S007, S041-S043; not S1, S2222 or XS001") == {7, 41, 42, 43}
    lines = ['"""S001."""', '@mark("S002")', "def test_one():", "    pass  # S003", "S = 'S004'"]
    assert [numbers(test) for test in each_test("\n".join(lines))] == [{2, 3}]
