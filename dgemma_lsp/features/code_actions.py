"""Rewrites that an editor offers by itself: code actions, whose edit is made when one is chosen.

An action's data are the parameters of `dgemma/rewrite`. To list actions asks no engine and reads no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types

from dgemma_lsp.lsp.handshake import CODE_ACTION_KINDS
from dgemma_lsp.lsp.rpc import RewriteParams, TextDocument
from dgemma_lsp.lsp.structure import make_converter

TITLE = "Rewrite with DiffusionGemma"
FIX, REWRITE = map(types.CodeActionKind, CODE_ACTION_KINDS)
OPTIONS = types.CodeActionOptions(code_action_kinds=[FIX, REWRITE], resolve_provider=True)
ANNOTATION = "dgemma"
TITLE_LENGTH, MESSAGE_LENGTH = 60, 400
"""Characters of a diagnostic's message in a title and in an instruction; some compilers write pages."""

COLOURS = re.compile("\x1b\\[[0-9;]*m")

_CONVERTER = make_converter()


@dataclass(frozen=True, slots=True)
class Preset:
    """An instruction that is ready. languages: ids of those it is for; None for all."""

    title: str
    instruction: str
    languages: frozenset[str] | None = None


# Languages whose definitions have a comment before them that tools read.
COMPILED = frozenset({"c", "cpp", "csharp", "go", "java", "kotlin", "rust", "scala", "swift"})
INTERPRETED = frozenset({"javascript", "javascriptreact", "lua", "php", "ruby", "typescript", "typescriptreact"})

PRESETS = (
    Preset("simplify", "Simplify this code without changing what it does."),
    Preset("add type hints", "Add type hints.", frozenset({"python"})),
    Preset("add a docstring", "Add a docstring.", frozenset({"python"})),
    Preset("add types", "Add type annotations.", frozenset({"typescript", "typescriptreact", "php", "lua"})),
    Preset(
        "add a documentation comment",
        "Add a documentation comment.",
        COMPILED | INTERPRETED,
    ),
)


def can_resolve(capabilities: types.ClientCapabilities) -> bool:
    """Whether an editor asks for the edit of a code action when it is chosen, as making one takes a while."""
    own = capabilities.text_document and capabilities.text_document.code_action
    if not own or not own.code_action_literal_support or not own.data_support:
        return False
    return own.resolve_support is not None and "edit" in own.resolve_support.properties


def code_actions(
    params: types.CodeActionParams, version: int, language_id: str, capabilities: types.ClientCapabilities
) -> list[types.CodeAction]:
    """What can be done here: a fix for each diagnostic, and the presets where the user asks or has selected something,
    so that a cursor that merely moves lights up nothing."""
    own = capabilities.text_document and capabilities.text_document.code_action
    knows_tags = own and own.tag_support and types.CodeActionTag.LlmGenerated in own.tag_support.value_set
    tags = [types.CodeActionTag.LlmGenerated] if knows_tags else None
    document = TextDocument(params.text_document.uri, version)
    actions: list[types.CodeAction] = []
    for title, kind, instruction, diagnostic in _offers(params, language_id):
        at = params.range if diagnostic is None else types.Range(diagnostic.range.start, diagnostic.range.start)
        actions.append(
            types.CodeAction(
                title=f"{TITLE}: {title}",
                kind=kind,
                tags=tags,
                diagnostics=None if diagnostic is None else [diagnostic],
                data=_CONVERTER.unstructure(RewriteParams(document, at, instruction)),
            )
        )
    return actions


def rewrite_of(action: types.CodeAction) -> RewriteParams:
    """What an action that was chosen asks for.

    Raises:
        Exception: its data are not those of an action of ours.
    """
    return _CONVERTER.structure(action.data, RewriteParams)


def workspace_edit(
    params: RewriteParams, edits: list[types.TextEdit], label: str, capabilities: types.ClientCapabilities
) -> types.WorkspaceEdit:
    """The edit of an action, each hunk to be confirmed where the editor can ask, for one version of the document where
    it knows versions."""
    own = capabilities.workspace and capabilities.workspace.workspace_edit
    uri, version = params.text_document.uri, params.text_document.version
    if not own or not own.document_changes:
        return types.WorkspaceEdit(changes={uri: edits})
    document = types.OptionalVersionedTextDocumentIdentifier(uri, version)
    if not own.change_annotation_support:
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, edits)])
    annotated = [types.AnnotatedTextEdit(ANNOTATION, edit.range, edit.new_text) for edit in edits]
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(document, annotated)],
        change_annotations={ANNOTATION: types.ChangeAnnotation(label, needs_confirmation=True)},
    )


def _offers(
    params: types.CodeActionParams, language_id: str
) -> Iterator[tuple[str, types.CodeActionKind, str, types.Diagnostic | None]]:
    """Title, kind, instruction and diagnostic of each action."""
    context = params.context
    if _wanted(FIX, context.only):
        for diagnostic in context.diagnostics:
            message = _plain(diagnostic.message)
            yield f"fix “{_cut(message, TITLE_LENGTH)}”", FIX, f"Fix this: {_cut(message, MESSAGE_LENGTH)}", diagnostic
    asked = context.only or context.trigger_kind is types.CodeActionTriggerKind.Invoked
    if _wanted(REWRITE, context.only) and (asked or params.range.start != params.range.end):
        for preset in PRESETS:
            if preset.languages is None or language_id in preset.languages:
                yield preset.title, REWRITE, preset.instruction, None


def _plain(message: str) -> str:
    """A diagnostic's message on one line, without colours and what else no instruction should hold."""
    readable = (character if character.isprintable() else " " for character in COLOURS.sub("", message))
    return " ".join("".join(readable).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rstrip()}…"


def _wanted(kind: types.CodeActionKind, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a kind is among those that an editor asks for, or below one of them."""
    if only is None:
        return True
    wanted = [each.value if isinstance(each, types.CodeActionKind) else str(each) for each in only]
    return any(not each or kind.value == each or kind.value.startswith(f"{each}.") for each in wanted)
