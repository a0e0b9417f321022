"""Attention of packed tokens over three kinds of keys: a context's, extra ones, and the pass's own.

One rule says who sees whom, and is data, so that one program serves canvases, token trees and prompts of any length: a
query stands in a *place*, and a key is seen from the places `begin` .. `end - 1`. Rows are places; what several rows
see is an interval of them; a token tree numbered depth first makes an interval of every node's descendants; of a
prompt, token i is seen from i on. A context's keys are seen from everywhere. A sliding layer hides keys at positions up
to `floor - window` of the query: its own position in the encoder, the context's length in the decoder.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.cuda.arena import Arena
from engine.cuda.programs.program import Fields, PackedInputs
from engine.kv.cache import LayerView
from engine.model.attention import grouped_attention
from engine.model.backbone import Backbone

NOWHERE = 2**30
"""The place of padding, which no other token sees."""

FOREVER = NOWHERE
"""The end of what every later place sees."""


def fields(tokens: int, extra: int, spill: int) -> Fields:
    """What attention is told: where the context lies in the arena; for each token of the pass its
    position, its place, the interval from which its key is seen, its floor, and where in the arena its key is kept;
    for each extra key where in the arena it lies, by how many positions it is turned, its position and interval."""
    return {
        "context": (2, 0),
        "positions": (tokens, 0),
        "places": (tokens, NOWHERE),
        "begins": (tokens, NOWHERE),
        "ends": (tokens, NOWHERE + 1),
        "floors": (tokens, 0),
        "kept": (tokens, spill),
        "extra_sources": (extra, spill),
        "extra_shifts": (extra, 0),
        "extra_positions": (extra, 0),
        "extra_begins": (extra, 0),
        "extra_ends": (extra, 0),
    }


class PackedAttention:
    """The `Attend` of one pass, in torch's operations. Writes the tokens' keys and values to where they are kept, and
    turns the extra keys to where they are seen."""

    def __init__(self, inputs: PackedInputs, arena: Arena, backbone: Backbone) -> None:
        self.inputs = inputs
        self.arena = arena
        self._backbone = backbone
        self.turns = backbone.turns(inputs["extra_shifts"])
        self._masks: dict[int | None, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, own: LayerView) -> Tensor:
        keys, values = self.arena.keys[layer], self.arena.values[layer]
        kept, sources = self.inputs["kept"], self.inputs["extra_sources"]
        keys.index_copy_(2, kept, own.keys)
        values.index_copy_(2, kept, own.values)
        extra_keys = self._backbone.turn(keys.index_select(2, sources), layer, self.turns)
        return self.attend(layer, query, LayerView(keys, values), extra_keys, own)

    def attend(self, layer: int, query: Tensor, whole: LayerView, extra_keys: Tensor, own: LayerView) -> Tensor:
        """Attention [1, N, heads, D] over the arena, of which the context is a part, the extra keys, whose values lie
        in it, and the own."""
        window = self.arena.shapes[layer].window
        if window not in self._masks:
            self._masks[window] = self._mask(window)
        extra = LayerView(extra_keys, whole.values.index_select(2, self.inputs["extra_sources"]))
        seen = LayerView.joined(whole, extra, own)
        return grouped_attention(query, seen.keys, seen.values, self._masks[window], 1.0)

    def _mask(self, window: int | None) -> Tensor:
        """What layers of a window add to scores, [1, 1, N, tokens + 1 + extra + N]: 0, or minus infinity where a key is
        not seen."""
        given = self.inputs
        start, length = given["context"].unbind()
        context_positions = torch.arange(self.arena.tokens + 1, device=start.device) - start
        in_context = (context_positions >= 0) & (context_positions < length)
        positions = torch.cat([context_positions, given["extra_positions"], given["positions"]])
        # A context's keys are seen from everywhere, and what lies outside of it from nowhere.
        begins = torch.cat([torch.zeros_like(context_positions), given["extra_begins"], given["begins"]])
        ends = torch.cat([in_context * (NOWHERE + 1), given["extra_ends"], given["ends"]])
        places, floors = given["places"][:, None], given["floors"][:, None]
        visible = (begins <= places) & (places < ends)
        if window is not None:
            visible &= positions > floors - window
        mask = torch.zeros(visible.shape, dtype=self._backbone.dtype, device=start.device)
        return mask.masked_fill_(~visible, -torch.inf)[None, None]
