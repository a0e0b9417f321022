"""Source files of eight languages, each with a hole marked ⟦⟧ in its middle: of every kind of line end, and with what
likes to be lost on the way."""

SOURCES: dict[str, str] = {
    "shapes.py": (
        "import math\n\n\nclass Circle:\n    def __init__(self, radius):\n        self.radius = radius\n\n"
        "    def area(self):\n        return ⟦⟧\n\n\nprint(Circle(2).area())\n"
    ),
    "windows.py": (
        "\ufeffdef grüße(name):\r\n\ttext = '😀 ' + na⟦⟧me\r\n\treturn text  # \u2028 \f\v\x85\r\n\r\nprint(grüße('x'))"
    ),
    "list.js": (
        "function sum(numbers) {\n  let total = 0;\n  for (const number of numbers) {\n    ⟦⟧\n  }\n"
        "  return total;\n}\n"
    ),
    "user.ts": (
        "interface User {\n  name: string;\n  age: number;\n}\n\nexport function greet(user: User): string {\n"
        "  return `Hello ⟦⟧, ${user.age} 🎉`;\n}\n"
    ),
    "main.go": (
        'package main\n\nimport "fmt"\n\nfunc add(a int, b int) int {\n\treturn a ⟦⟧\n}\n\n'
        "func main() {\n\tfmt.Println(add(1, 2))\n}\n"
    ),
    "lib.rs": (
        "pub fn largest(values: &[i32]) -> Option<i32> {\n    let mut best = None;\n    for value in values {\n⟦⟧"
        "    }\n    best\n}\n\n\n\n"
    ),
    "Counter.java": (
        "public class Counter {\r\n    private int count;\r\n\r\n    public void increment() {\r\n        ⟦⟧\r\n"
        "    }\r\n\r\n    public int get() { return count; }\r\n}\r\n"
    ),
    "copy.c": (
        "#include <stddef.h>\n\nvoid copy(char *to, const char *from, size_t n)\n{\n"
        "    for (size_t i = 0; i < n; i++)\n        to[i] = ⟦⟧;\n}\n"
    ),
    "stack.cpp": (
        "#include <vector>\n\ntemplate <typename T> class Stack {\n  public:\n    void push(const T &value) { ⟦⟧ }\n"
        "    bool empty() const { return items.empty(); }\n\n  private:\n    std::vector<T> items;\n};\n"
    ),
    "mixed.js": "const a = 1;\rconst b = 2;\r\n\rconst c = ⟦⟧;\nconst d = a +\tb;   \n\n  \n",
}
