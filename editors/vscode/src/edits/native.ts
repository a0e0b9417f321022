/** VS Code's own display of edits, which is proposed API: only where the user has allowed it to this extension. */

import * as vscode from "vscode";
import type { Offer } from "./offer";

const PROPOSAL = "inlineCompletionsAdditions";
const REJECTED = 1;

/** What of the proposed API is used, which the types of the stable one lack. */
interface EditItem extends vscode.InlineCompletionItem {
  isInlineEdit: boolean;
  uri?: vscode.Uri;
}

/** Whether the user has allowed it: where not, VS Code takes it out of what the extension declares. */
export function isNativeAllowed({ packageJSON }: vscode.Extension<unknown>): boolean {
  return (packageJSON.enabledApiProposals ?? []).includes(PROPOSAL);
}

/** Shows what `offered` returns when inline completion is triggered. command: is run with the offer once it was made. */
export function registerNativeEdits(
  selector: vscode.DocumentSelector,
  offered: () => Offer | undefined,
  command: string,
  onRejected: (offer: Offer) => void,
): vscode.Disposable {
  const provider = {
    provideInlineCompletionItems(document: vscode.TextDocument): EditItem[] {
      const offer = offered();
      if (offer?.asked.document !== document) {
        return [];
      }
      const { range, newText, accepted, uri } = offer;
      const item = new vscode.InlineCompletionItem(newText, range, {
        title: accepted.title,
        command,
        arguments: [offer],
      });
      const elsewhere = document.uri.toString() === uri ? {} : { uri: vscode.Uri.parse(uri) };
      return [Object.assign(item, { isInlineEdit: true, ...elsewhere })];
    },
    handleEndOfLifetime(item: EditItem, { kind }: { kind: number }): void {
      if (kind === REJECTED) {
        onRejected(item.command?.arguments?.[0]);
      }
    },
  };
  return vscode.languages.registerInlineCompletionItemProvider(selector, provider);
}
