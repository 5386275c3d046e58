/**
 * Names in a message: "a, b, c and 497 more". Every list in a condition, an event or a log line goes through here, for
 * a status holds 32,768 characters and an event 1,024, and nobody reads five hundred names.
 */
export function listed(names: readonly string[], most = 3): string {
  // One more name is no longer than "and 1 more".
  const shown = names.length <= most + 1 ? names : names.slice(0, most);
  const left = names.length - shown.length;
  return left === 0 ? shown.join(', ') : `${shown.join(', ')} and ${left} more`;
}

/** "1 copy", "2 copies". */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
