"""Which places follow a change, by language: ⟦before→after⟧ marks what was changed, ⟨text→text⟩ what is to follow."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from infill.edit.change import FollowUp, Substitution, substitutions
from infill.edit.follow import are_alike, rules
from infill.edit.names import Names
from infill.request import Span

_MARK = re.compile(r"⟦(?P<old>[^→⟧]*)→(?P<new>[^⟧]*)⟧|⟨(?P<now>[^→⟩]*)→(?P<then>[^⟩]*)⟩")


def parsed(marked: str, language: str) -> tuple[Names, list[Substitution], list[FollowUp]]:
    """A text, what was replaced in it, and what has to follow."""
    text, position = "", 0
    changed: list[tuple[int, int, str]] = []
    wanted: list[FollowUp] = []
    for match in _MARK.finditer(marked):
        text += marked[position : match.start()]
        start = len(text)
        if match["now"] is None:
            text += match["new"]
            changed.append((start, len(text), match["old"]))
        else:
            text += match["now"]
            wanted.append(FollowUp(span=Span(start=start, end=len(text)), text=match["then"]))
        position = match.end()
    text += marked[position:]
    names = Names(text, language)
    made: list[Substitution] = []
    for start, end, old in changed:
        # Changes are noted by whole lines.
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end) + 1 or len(text)
        made += substitutions(text[first:start] + old + text[end:last], Span(start=first, end=last), names)
    return names, made, wanted


def follow_ups(names: Names, made: list[Substitution], elsewhere: Sequence[Substitution] = ()) -> list[FollowUp]:
    found = (own for rule in rules(made, elsewhere) for own in rule.follow_ups(names))
    return sorted(found, key=lambda own: own.span)


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("python", "def f(⟦a→b⟧):\n    return ⟨a→b⟩ + ⟨a→b⟩\n\ndef g(a):\n    return a\n"),
        ("python", "def f(⟦a→b⟧):\n    def g(a):\n        return a\n    return ⟨a→b⟩\n\nf(⟨a→b⟩=1)\ng(a=1)\n"),
        (
            "python",
            "def f():\n    ⟦n→size⟧ = 1\n    for i in range(⟨n→size⟩):\n        print(f'{⟨n→size⟩}', 'n')  # n\n",
        ),
        ("python", "class A:\n    ⟦tags→labels⟧: str\n\nA(⟨tags→labels⟩=1).⟨tags→labels⟩\ntags = 1\nB(tags=2)\n"),
        ("python", "class A:\n    def f(self):\n        self.⟦x→y⟧ = 1\n        return self.⟨x→y⟩ + x\n\nA().⟨x→y⟩\n"),
        (
            "python",
            "class A:\n    def ⟦run→go⟧(self): self.⟨run→go⟩()\nclass B:\n    def run(self): pass\nB().run()\n",
        ),
        ("python", "def ⟦old→new⟧(): pass\n\ndef f(old):\n    return old\n\n⟨old→new⟩()\n"),
        ("python", "d = {'⟦name→title⟧': 1}\nd['⟨name→title⟩'] = d.get(\"⟨name→title⟩\")\nname = 'my name'\n"),
        ("python", "f(⟦→a=1⟧)\nf(2⟨→, a=1⟩)\nf(x, a=2)\ng()\nf(⟨→a=1⟩)\n"),
        ("python", "o.f(1⟦→, b⟧)\nself.f(g(2)⟨→, b⟩)\n"),
        ("python", "x = ⟦a→b⟧\ny = a\n"),
        ("python", "x = ⟦a→b⟧\ny = 1\nz = ⟦a→b⟧\ny = ⟨a→b⟩\n"),
        ("python", "def f():\n    ⟦a→b⟧ = 1\n    g(⟦a→b⟧)\n    h(⟦a→b⟧)\n\nimport a\nimport c.a\nprint(a)\n"),
        ("python", "def f(a):\n    c = 0\n    ⟦n→c⟧ = a\n    return n\n"),
        ("python", "def f(n, c):\n    while n:\n        ⟦n→c⟧ -= 1\n    return n\n"),
        ("python", "def f(a):\n    ⟦n→c⟧ = a\n    ⟦n→c⟧ = 2\n    return ⟨n→c⟩\n"),
        ("python", "def f(⟦n→size⟧):\n    print(f'{⟦n→size⟧} a')\n\ndef g(n):\n    print(f'{n} a')\n"),
        ("python", "x = ⟦41→42⟧\ny = 41\n"),
        ("python", "def f():\n⟦→    é = 'ß'\n    a = 1⟧\n    return a\n"),
        ("python", "é = '😀'\ndef f(⟦a→b⟧):\n    return 'é' + ⟨a→b⟩\n"),
        ("typescript", "class A {\n  ⟦tags→labels⟧: string;\n  f() { return this.⟨tags→labels⟩; }\n}\n"),
        ("typescript", "const f = (⟦e→event⟧: Event) => {\n  g(⟨e→event⟩.target.e);\n};\nlet e;\n"),
        ("typescript", "function f() {\n  const ⟦w→x⟧ = 1;\n  return { w, v: ⟨w→x⟩ };\n}\n"),
        ("go", "func New(⟦host→addr⟧ string) *C {\n\tlog(⟨host→addr⟩)\n\treturn &C{host: ⟨host→addr⟩}\n}\n"),
        ("go", "type C struct {\n\t⟦Host→Addr⟧ string\n}\nvar c = &C{⟨Host→Addr⟩: Host}\nvar d = c.⟨Host→Addr⟩\n"),
        ("rust", "fn f(⟦a→b⟧: i32) -> i32 {\n    let c = |a| a + 1;\n    c(⟨a→b⟩)\n}\n"),
        ("java", "class A {\n  private int ⟦n→size⟧;\n  int f() { return this.⟨n→size⟩; }\n}\n"),
        (
            "typescript",
            "⟦→await ⟧run(ctx, a);\n⟦→await ⟧run(ctx, b);\n⟨→await ⟩run(ctx, c);\nrun(other);\nawait run(ctx, d);\n",
        ),
        ("go", '⟦fmt.Print→log.Info⟧("a")\n⟦fmt.Print→log.Info⟧("b")\n⟨fmt.Print→log.Info⟩("c")\nfmt.Print(x)\n'),
        ("python", "x = ⟦1→2⟧ + a\nx = ⟦1→2⟧ + b\ny = 1\nx = ⟨1→2⟩ + c\n"),
        (
            "typescript",
            "interface U { ⟦name→title⟧: string }\nconst u: U = { ⟨name→title⟩: 'x' };\nlog(u.⟨name→title⟩, name);\n",
        ),
        (
            "rust",
            "impl P {\n    fn ⟦len→norm⟧(&self) -> f64 { 1.0 }\n}\nfn f(p: P, len: u8) { log!(p.⟨len→norm⟩(), len) }\n",
        ),
        ("css", ".a { color: #⟦fff→eee⟧; }\n.b { color: #⟦fff→eee⟧; }\n.c { color: #⟨fff→eee⟩; }\n.d { x: fff; }\n"),
        ("python", "class A:\n    x: int\nd = dict()\nd.⟦x→y⟧ = 1\nprint(d.x)\n"),
        ("sql", "select ⟦a→b⟧ from t\nwhere ⟦a→b⟧ > 1 and ⟨a→b⟩ < 2\n"),
        ("sql", "select ⟦a→b⟧ from t\nwhere a > 1\n"),
    ],
)
def test_what_follows_a_change(language: str, marked: str) -> None:
    names, made, wanted = parsed(marked, language)
    assert follow_ups(names, made) == wanted


@pytest.mark.parametrize(
    ("language", "made", "marked"),
    [
        ("python", "def f(⟦a→b⟧):\n    return ⟨a→b⟩\n", "f(⟨a→b⟩=1)\ng(a=1)\na = 1\n"),
        ("python", "def f(⟦a→b⟧):\n    return ⟨a→b⟩\n", "a = [a, a]\nb = a\n"),
        ("python", "def f():\n    ⟦a→b⟧ = 1\n    return ⟨a→b⟩\n", "a = [a, a]\nb = a\n"),
        ("python", "def f(x): pass\nf([⟦a→b⟧ for ⟦a→b⟧ in x])\n", "f(a=1)\n"),
        ("python", "def ⟦old→new⟧(): pass\n", "from a import ⟨old→new⟩\n"),
        ("typescript", "it('x', () => { const ⟦a→b⟧ = 1; g(⟨a→b⟩); });\n", "const a = 1, b = a;\nlet x = a, y = a;\n"),
    ],
    ids=["argument", "parameter", "variable", "argument's own variable", "function", "function in an argument"],
)
def test_what_follows_a_change_in_another_text(language: str, made: str, marked: str) -> None:
    _, elsewhere, _ = parsed(made, language)
    names, own, wanted = parsed(marked, language)
    assert follow_ups(names, own, elsewhere) == wanted


def test_a_change_that_is_long_is_followed_by_nothing() -> None:
    names, made, _ = parsed(f"def f(⟦a→b⟧): {'x + ' * 300}1\nf(a=1)\n", "python")
    assert follow_ups(names, made) == []


@pytest.mark.parametrize(
    ("line", "other", "alike"),
    [
        ("f(a, 1)", "  f(b, 1)\n", True),
        ("", "", False),
        ("a = 1", "f(x)", False),
        ("1, " * 1_000, "1, " * 1_000, False),
    ],
    ids=["alike", "empty", "different", "data"],
)
def test_lines_are_alike_by_their_tokens(line: str, other: str, *, alike: bool) -> None:
    assert are_alike(line, other) == alike
