"""`python -m bench.nano`: makes the embedded checkpoint, step by step or all at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.nano import card, corpus, export, preparation, shapes, sources, training
from bench.nano.scale import FULL, SMALL


def main() -> None:
    """Parse the command line and run one step, or all of them."""
    arguments = _arguments()
    command, state, scale = arguments.command, arguments.state, SMALL if arguments.small else FULL
    run = state / arguments.branch if arguments.branch else state
    checkpoint, twin, data = (arguments.into / part for part in ("engine/nano", "bench/nano/twin", "bench/data"))
    if command in ("sources", "prepare", "all") and scale.packages:
        sources.install(state / "packages")
    if command in ("corpus", "prepare", "all"):
        corpus.build(state / "corpus", state / "packages", scale)
    if command == "tokenizer":
        preparation.make_tokenizer(state)
    if command in ("prepare", "all"):
        preparation.keep_tokenizer(state)
    if command in ("heldout", "prepare", "all"):
        preparation.make_held_out(state, data, scale)
    if command in ("data", "prepare", "all"):
        preparation.make_arrays(state)
    if command in ("frames", "prepare", "all"):
        preparation.make_frames(state, scale)
    if command == "train":
        steps, decay = arguments.steps, arguments.decay
        training.run(state, arguments.stage, steps=steps, decay=decay, branch=arguments.branch)
    if command == "keep":
        training.keep(state)
    if command == "all":
        training.run_all(state, scale)
    if command == "shapes":
        shapes.run(state, minutes=arguments.minutes)
    if command in ("export", "all"):
        export.export(run, checkpoint, tokenizer=state / "tokenizer")
    if command in ("export-twin", "all"):
        export.export(state / training.STAGES["twin"].directory, twin, tokenizer=state / "tokenizer")
    if command in ("card", "all"):
        files = {"answers": arguments.answers, "twin_answers": arguments.twin_answers}
        card.write(state, run, checkpoint, twin=twin, limit=arguments.limit, **files)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.nano", description=__doc__)
    parser.add_argument("--state", type=Path, default=Path(".nano"), help="working directory, ignored by git")
    parser.add_argument("--into", type=Path, default=Path(), help="checkout that cases and checkpoints are written to")
    parser.add_argument(
        "--branch",
        metavar="NAME",
        help="train in a copy of the run, a folder in the state directory, or use its weights",
    )
    parser.add_argument("--small", action="store_true", help="a little of everything, to see that all of it works")
    parser.add_argument("--limit", type=int, default=200, help="held-out cases a split that the card measures")
    parser.add_argument(
        "--answers", type=Path, metavar="FILE", help="keep the card's answers here, as bench.quality does"
    )
    parser.add_argument("--twin-answers", type=Path, metavar="FILE", help="the same for the twin's")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sources", help="install the packages that the corpus is made of")
    commands.add_parser("corpus", help="collect their source code and split it by package")
    commands.add_parser("tokenizer", help="train another tokenizer on the training split than the one that ships")
    commands.add_parser("heldout", help="draw the fixed cases into bench/data")
    commands.add_parser("data", help="encode the splits")
    commands.add_parser("frames", help="lay out training frames")
    commands.add_parser("prepare", help="all of the above, with the tokenizer that ships")
    train = commands.add_parser("train", help="train a stage, resuming from the state directory")
    train.add_argument("stage", choices=training.STAGES)
    train.add_argument("--steps", type=int, required=True, help="steps to have done at the end, over both stages")
    train.add_argument("--decay", type=int, default=0, help="last steps, over which the learning rate falls to 0")
    commands.add_parser("keep", help="keep the end of the causal stage, for the twin to begin with")
    compare = commands.add_parser("shapes", help="compare shapes by short runs, and keep the figures for the card")
    compare.add_argument("--minutes", type=float, default=shapes.MINUTES, help="of CPU time, each shape")
    commands.add_parser("export", help="write the checkpoint")
    commands.add_parser("export-twin", help="write the checkpoint that is trained by the official recipe alone")
    commands.add_parser("card", help="measure the checkpoint and write its README.md")
    commands.add_parser("all", help="everything, from corpus to card")
    return parser.parse_args()


if __name__ == "__main__":
    main()
