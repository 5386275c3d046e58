/** Stands in for `@jest/globals` while scenario files are only read. */
export function test(): void {
  // Declared is not run.
}

export function expect(): never {
  throw new Error('a scenario file expects something outside of its scenarios');
}
