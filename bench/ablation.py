"""What each ingredient of infilling earns and costs: `python -m bench.ablation [--splits …] [--limit N] [--json]`.

Runs the product with one setting changed at a time on the same cases, whose contexts are prefilled before, so that
passes and positions are those of the search alone. Settings are chosen on the tuning cases; the held-out ones are for
what is reported once nothing is chosen any more.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from bench.answers import Answer, AnswerFile, fingerprint
from bench.bootstrap import difference
from bench.cases import HELD_OUT, OWN_SPLITS, TUNING, Case, load
from bench.judge import Verdict, judge
from bench.machine import machine
from bench.methods import Model, request_of, run
from bench.wrong_names import wrong_names
from engine.nano import DIRECTORY
from infill.profile import Profile, ProposerName, Weights
from infill.prompt.layout import Layout, lay_out

WRONG_NAMES = "wrong-names"
SPLITS = (*OWN_SPLITS, WRONG_NAMES)
Change: TypeAlias = Callable[[Profile], Profile]
"""Makes a variant of the profile that ships with a checkpoint."""


def _lengths(**lengths: tuple[int, ...]) -> Change:
    return lambda shipped: replace(shipped, lengths=replace(shipped.lengths, **lengths))


def _continued(share: float, *, width: float = 1.0) -> Change:
    """With this share of the encoder's passes, and of the hypotheses that each reads."""

    def change(shipped: Profile) -> Profile:
        own = shipped.continuation
        if own is None:
            return shipped
        passes = {mode: round(share * count) for mode, count in own.passes.items()}
        return replace(shipped, continuation=replace(own, passes=passes, width=round(width * own.width)))

    return change


def _steps(count: int) -> Change:
    """This many denoising steps at most, along the same temperatures."""
    return lambda shipped: replace(shipped, steps=dict.fromkeys(shipped.steps, count), replaced_steps=count)


def _without(name: ProposerName) -> Change:
    def change(shipped: Profile) -> Profile:
        stages = (tuple(own for own in stage if own != name) for stage in shipped.stages)
        return replace(shipped, stages=tuple(stage for stage in stages if stage))

    return change


def _warm(*shares: float) -> Change:
    return lambda shipped: replace(shipped, warm_start_noise=shares)


def shipped(profile: Profile) -> Profile:
    """What ships, unchanged."""
    return profile


_SHIPPED = "as shipped"
VARIANTS: dict[str, Change] = {
    _SHIPPED: shipped,
    "rows and copies alone": _without("continuation"),
    "rows alone": lambda profile: _without("prompt_lookup")(_without("continuation")(profile)),
    "no copies": _without("prompt_lookup"),
    "no copy prior": lambda profile: replace(profile, copy_prior=None),
    "no copies of several lines": lambda profile: replace(profile, multiline_copies=False),
    "one row": _lengths(within=(3,), line=(3,)),
    "one step": _steps(1),
    "four steps": _steps(4),
    "half the passes": _continued(0.5),
    "a third of the hypotheses a pass": _continued(1.0, width=1 / 3),
    "rank without the encoder": lambda profile: replace(profile, trust_encoder=False),
    "rank without syntax": lambda profile: replace(profile, weights=Weights(syntax_error=0.0)),
}
DRAFT_VARIANTS: dict[str, Change] = {
    _SHIPPED: shipped,
    "from the text as it stands": _warm(0.0),
    "with three tenths of noise": _warm(0.3),
    "with six tenths": _warm(0.6),
    "from noise": _warm(1.0),
}
"""Where a line stands already, of the split "wrong-names"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variant on a split. gain: of similarity against what ships, with its 95 % interval. Shares are from 0 to 1;
    passes and token positions are means, without the prefill."""

    variant: str
    split: str
    n: int
    exact_match: float
    edit_similarity: float
    gain: float
    low: float
    high: float
    syntax_errors: float
    echo: float
    passes: float
    token_positions: float

    def words(self) -> str:
        """A line of a Markdown table."""
        return (
            f"| {self.variant} | {self.split} | {self.exact_match:.1%} | {self.edit_similarity:.3f} "
            f"| {self.gain:+.3f} ({self.low:+.3f} to {self.high:+.3f}) | {self.syntax_errors:.1%} | {self.echo:.1%} "
            f"| {self.passes:.1f} | {self.token_positions:.0f} |"
        )


HEADING = """\
| changed | split | exact | similarity | against what ships (95 %) | syntax errors | echo | passes | positions |
| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |"""


def row_of(
    variant: str, split: str, answers: Sequence[Answer], verdicts: Sequence[Verdict], shipped: Sequence[Verdict]
) -> Row:
    """Sum a variant's answers up, against those of what ships to the same cases."""
    similarities, before = [v.similarity for v in verdicts], [v.similarity for v in shipped]
    low, high = difference(similarities, before)
    return Row(
        variant=variant,
        split=split,
        n=len(answers),
        exact_match=fmean(v.exact for v in verdicts),
        edit_similarity=fmean(similarities),
        gain=fmean(similarities) - fmean(before),
        low=low,
        high=high,
        syntax_errors=fmean(v.broken for v in verdicts),
        echo=fmean(v.echo for v in verdicts),
        passes=fmean(answer.passes for answer in answers),
        token_positions=fmean(answer.token_positions for answer in answers),
    )


def answer_all(model: Model, variants: Sequence[str], split: str, cases: Sequence[Case], kept: AnswerFile) -> None:
    """Answer every case in every variant that is not kept yet."""
    infillers = {name: model.infiller_with(variants_of(split)[name](model.profile)) for name in variants}
    for case in cases:
        missing = [name for name in variants if kept.get(split, name, case.name) is None]
        layout = lay_out(request_of(case), model.tokens, model.profile.window)
        if missing and isinstance(layout, Layout):
            model.denoiser.prefill(layout.context_ids).release()
        for name in missing:
            kept.add(split, name, case.name, run(infillers[name].fill(request_of(case))))


def variants_of(split: str) -> dict[str, Change]:
    """What can be compared on a split."""
    return DRAFT_VARIANTS if split == WRONG_NAMES else VARIANTS


def chosen(split: str, names: Sequence[str] | None) -> list[str]:
    """What is compared on a split, all there is where nothing is named.

    Raises:
        SystemExit: there is no such variant on the split.
    """
    known = variants_of(split)
    for name in names or ():
        if name not in known:
            raise SystemExit(f"no variant {name!r} on the split {split}: choose among {', '.join(known)}")
    return list(names or known)


def cases_of(split: str, own: Path) -> list[Case]:
    """The cases of a split. own: the file of the project's own splits."""
    return list(wrong_names(load("single", own=own))) if split == WRONG_NAMES else load(split, own=own)


def main() -> None:
    """Measure and print."""
    options = _arguments()
    model = Model(options.checkpoint, options.device)
    kept = AnswerFile(options.answers, fingerprint(options.checkpoint))
    rows: list[Row] = []
    if not options.json:
        print(HEADING)
    for split in options.splits:
        cases = cases_of(split, HELD_OUT if options.held_out else TUNING)[: options.limit]
        variants = chosen(split, options.variants)
        answer_all(model, variants, split, cases, kept)
        answers = {name: kept.all(split, name, [case.name for case in cases]) for name in variants}
        verdicts = {
            name: [judge(case, answer.middle, model.tokens) for case, answer in zip(cases, own, strict=True)]
            for name, own in answers.items()
        }
        shipped = verdicts[variants[0]]
        rows += [row_of(name, split, answers[name], verdicts[name], shipped) for name in variants]
        if not options.json:
            print("\n".join(row.words() for row in rows if row.split == split), flush=True)
    if options.json:
        report = {"machine": machine(options.device), "checkpoint": options.checkpoint.name}
        print(json.dumps(report | {"rows": [asdict(row) for row in rows]}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ablation", description=__doc__)
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--variants", help="compared with the first of them; all where not given", **listed)
    parser.add_argument("--splits", default=list(SPLITS), help=f"of {', '.join(SPLITS)}", **listed)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N cases of each split")
    parser.add_argument("--held-out", action="store_true", help="the held-out cases in place of the tuning ones")
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="default: the embedded one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="keep answers here, and go on from what it holds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
