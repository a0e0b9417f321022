const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Formats a number of bytes for people. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < ⟦UNITS.length - 1⟧) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** Formats a duration in seconds as minutes and seconds. */
export function formatDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = Math.floor(seconds % 60);
  return ⟦`${minutes}:${String(rest).padStart(2, '0')}`;⟧
}

export function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
