/** The language server's client. A server that has ended is started anew; one that keeps ending is not. */

import {
  CloseAction,
  type CloseHandlerResult,
  ErrorAction,
  type ErrorHandler,
  type ErrorHandlerResult,
  LanguageClient,
  type LanguageClientOptions,
  type Message,
} from "vscode-languageclient/node";

const MOST_RESTARTS = 4;
const WINDOW_MS = 3 * 60_000;
const MOST_ERRORS = 3;

class Restarts implements ErrorHandler {
  /** Whether the server has ever served; one that has not will not the next time. */
  served = false;
  private ends: number[] = [];

  constructor(private readonly onGivenUp: () => void) {}

  error(_error: Error, _message?: Message, count = Infinity): ErrorHandlerResult {
    return { action: count <= MOST_ERRORS ? ErrorAction.Continue : ErrorAction.Shutdown };
  }

  closed(): CloseHandlerResult {
    if (!this.served) {
      return { action: CloseAction.DoNotRestart };
    }
    const now = Date.now();
    this.ends = [...this.ends.filter((end) => now - end < WINDOW_MS), now];
    if (this.ends.length <= MOST_RESTARTS) {
      return { action: CloseAction.Restart };
    }
    this.onGivenUp();
    return { action: CloseAction.DoNotRestart };
  }
}

export class Client extends LanguageClient {
  private readonly restarts: Restarts;

  /** onGivenUp: called when the server has ended too often. That it cannot be started `start` says. */
  constructor(program: string, options: LanguageClientOptions, onGivenUp: () => void) {
    const restarts = new Restarts(onGivenUp);
    const handlers = { errorHandler: restarts, initializationFailedHandler: () => false };
    const server = { command: program, args: ["--stdio"] };
    super("dgemma", "dgemma", server, { ...options, ...handlers });
    this.restarts = restarts;
  }

  override async start(): Promise<void> {
    await super.start();
    this.restarts.served = true;
  }

  /** What the library says of a failure is written for developers: it goes to the log, and we tell the user. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}
