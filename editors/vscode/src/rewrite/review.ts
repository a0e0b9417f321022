/** What the user has decided so far about the hunks of a rewrite's candidates. */

import type { Hunk } from "../display/change";

/** candidate: which one is looked at. open: its hunks that are still to be decided. current: which of them is looked at. */
export interface Review {
  readonly candidates: readonly (readonly Hunk[])[];
  readonly candidate: number;
  readonly open: readonly Hunk[];
  readonly accepted: readonly Hunk[];
  readonly current: number;
}

function wrapped(index: number, length: number): number {
  return (index + length) % length;
}

/** A candidate of which nothing is decided yet. */
export function reviewOf(candidates: Review["candidates"], candidate = 0): Review {
  const at = wrapped(candidate, candidates.length);
  return { candidates, candidate: at, open: candidates[at] ?? [], accepted: [], current: 0 };
}

/** The hunk that is looked at; undefined once all are decided. */
export function currentHunk(review: Review): Hunk | undefined {
  return review.open[review.current];
}

/** The review with one hunk, that which is looked at unless it is named, accepted or rejected. */
export function decide(review: Review, accepted: boolean, hunk = currentHunk(review)): Review {
  if (!hunk) {
    return review;
  }
  const open = review.open.filter((other) => other !== hunk);
  return {
    ...review,
    open,
    accepted: accepted ? [...review.accepted, hunk] : review.accepted,
    current: Math.min(review.current, Math.max(open.length - 1, 0)),
  };
}

/** The review with all that was not decided accepted. */
export function acceptAll(review: Review): Review {
  return { ...review, open: [], accepted: [...review.accepted, ...review.open] };
}

/** The review with another hunk looked at, so many further on. */
export function move(review: Review, step: number): Review {
  return { ...review, current: wrapped(review.current + step, review.open.length) };
}
