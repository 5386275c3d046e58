export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value);
}

/** `undefined` for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Freezes what `JSON.parse` made, down to its leaves; without recursion, for it may be as deep as its text is long. */
export function deepFrozen<T extends object>(parsed: T): T {
  const rest: object[] = [parsed];
  for (let value = rest.pop(); value !== undefined; value = rest.pop()) {
    for (const part of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
      if (isObject(part)) rest.push(part);
    }
    Object.freeze(value);
  }
  return parsed;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
