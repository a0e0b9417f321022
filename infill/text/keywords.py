"""Words that a text may hold in a language though they stand nowhere in the file: keywords and common names."""

from __future__ import annotations

import builtins
import keyword
import sys
from functools import cache

_C = """
    auto bool break case char const continue default define defined do double else endif enum extern false float for
    free goto if ifdef ifndef include inline int int8_t int16_t int32_t int64_t long main malloc memcpy memset NULL
    nullptr pragma printf return short signed size_t sizeof snprintf static static_assert stderr stdin stdlib stdout
    strcmp string strlen struct switch true typedef uint8_t uint16_t uint32_t uint64_t undef union unsigned void
    volatile while
"""
_CPP = """
    catch class constexpr cout delete endl explicit friend make_shared make_unique mutable namespace new noexcept
    operator override private protected public push_back shared_ptr std template this throw try typename unique_ptr
    using vector virtual begin end size empty emplace_back
"""
_GO = """
    any append bool break byte bytes cap case chan close const context continue copy default defer delete else error
    Errorf Error errors fallthrough false float32 float64 fmt for Fprintf func go goto if import int int8 int16
    int32 int64 interface iota len make map new nil package panic Printf Println range recover return rune select
    Sprintf string strings struct switch true type uint uint8 uint16 uint32 uint64 var
"""
_JAVA = """
    abstract assert boolean break byte case catch char class const continue default do double else enum Exception
    extends false final finally float for forEach if implements import instanceof int Integer interface length List
    long Map new null Object Override package private protected public println record return short size static
    String super switch synchronized System out this throw throws toString true try var void volatile while add get
    put equals hashCode isEmpty
"""
_JAVASCRIPT = """
    Array async await boolean break case catch class concat console const continue default delete do document else
    enum Error export extends false filter finally find findIndex for forEach from function if implements import in
    includes indexOf instanceof interface isArray join JSON keyof keys length let log map Map Math module new null
    number Number Object of parse pop private prototype Promise props public push querySelector readonly reduce
    replace require resolve return Set setTimeout shift slice some sort splice split static string String stringify
    super switch this throw toLowerCase toString toUpperCase trim true try type typeof undefined unknown values var
    void while window yield addEventListener
"""
_PHP = """
    abstract array as break case catch class const continue count declare default do echo else elseif empty extends
    false final finally fn for foreach function global if implements include instanceof interface isset match
    namespace new null private protected public require return self static strict_types string strlen switch this
    throw trait true try unset use void while
"""
_RUST = """
    as assert assert_eq async await bool Box break char clone Clone collect const continue crate Debug Default
    derive dyn else enum Err expect extern f32 f64 false fn for format from HashMap i8 i16 i32 i64 if impl in into
    iter isize len let loop main map match mod move mut new None Ok Option panic println pub push ref return Result
    self Self Some static std str String struct super test to_string trait true type u8 u16 u32 u64 unsafe unwrap
    use usize vec Vec where while write
"""
_SHELL = """
    alias basename break case cat cd chmod continue cp declare dirname do done echo elif else esac eval exec exit
    export false fi find for function getopts grep if in kill local mkdir mktemp mv printf pwd read readonly return
    rm sed select set shift sleep source sort tar test then touch trap true unset until while xargs
"""
_LUA = """
    and break do else elseif end error false for function if in insert ipairs local nil not or pairs print repeat
    require return self setmetatable string table then tonumber tostring true type until while
"""
_WORDS = {
    "bash": _SHELL,
    "c": _C,
    "cpp": _C + _CPP,
    "go": _GO,
    "java": _JAVA,
    "javascript": _JAVASCRIPT,
    "jsx": _JAVASCRIPT,
    "lua": _LUA,
    "php": _PHP,
    "rust": _RUST,
    "tsx": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
}


@cache
def common_words(language: str) -> frozenset[str]:
    """The keywords and the names that every file in a language may use; those of a few languages together for one that
    is not known."""
    if language == "python":
        kinds = (str, bytes, list, dict, set, int, float, Exception)
        members = (name for kind in kinds for name in dir(kind) if not name.startswith("__"))
        return frozenset(
            (*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *members, *sys.stdlib_module_names, "self", "cls")
        )
    return frozenset(_WORDS.get(language, " ".join(_WORDS.values())).split())
