"""A source file to draw examples from."""

from __future__ import annotations

from bench.nano.corpus import Document

TEXT = "".join(
    f'''def name_{i}(value: int, other_{i}: str = "x") -> str:
    """Number {i}."""
    total = value + {i}
    if total > {i}:
        return f"{{total}} of {{other_{i}!r}}"
    else:
        total = total * {i}
        return "{{}}: {{}}".format(other_{i}, total)


'''
    for i in range(60)
)
PYTHON = Document(package="p", path="p/module.py", language="python", text=TEXT)
JAVASCRIPT = Document(
    package="p",
    path="p/module.js",
    language="javascript",
    text="".join(
        f"""function name{i}(value{i}) {{
  const total{i} = value{i} + {i};
  total{i} += 1;
  return total{i}.size(total{i});
}}

"""
        for i in range(60)
    ),
)
