"""A tiny tokenizer of Gemma's kind: single characters, a few words and runs of blanks, and bytes for the rest."""

from __future__ import annotations

from functools import cache

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from infill.text.tokens import TextTokens

CONTROL = ("<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>")
RUNS = (("▁", "▁"), ("▁▁", "▁▁"), ("\n", "\n"))
WORDS = ("foo", "▁foo", "bar", "total", "▁total", "return", "▁return", "name", "()", "▁=")


def tiny_tokenizer(control: tuple[str, ...] = CONTROL) -> Tokenizer:
    """Builds the tokenizer anew."""
    characters = ["▁", "\n", "\t", *map(chr, range(ord("!"), 127))]
    merges = list(RUNS)
    pieces = [*control, *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *map("".join, RUNS)]
    for word in WORDS:
        for end in range(2, len(word) + 1):
            merge = (word[: end - 1], word[end - 1 : end])
            if merge not in merges:
                merges.append(merge)
                pieces.append("".join(merge))
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    added: list[str | AddedToken] = [AddedToken(token, special=True, normalized=False) for token in control]
    tokenizer.add_special_tokens(added)  # pyright: ignore[reportUnknownMemberType]
    return tokenizer


@cache
def tiny_tokens() -> TextTokens:
    """The tokenizer as the layer uses it."""
    return TextTokens(tiny_tokenizer())
