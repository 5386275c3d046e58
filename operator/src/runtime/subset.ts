/**
 * Whether `live` contains every field of `desired`. What the server added to objects (defaults, status, other
 * managers' fields) does not count, nor does an empty text, which it leaves out. Lists must agree in length and order,
 * except lists of named objects, which other managers may add to.
 */
export function contains(live: unknown, desired: unknown): boolean {
  if (desired === undefined) return true;
  // `value: ''` of an environment variable, for example: Go's omitempty.
  if (desired === '') return live === undefined || live === '';
  if (Array.isArray(desired)) return Array.isArray(live) && listSaysAll(live, desired);
  if (typeof desired !== 'object' || desired === null) return live === desired;
  return isRecord(live) && Object.entries(desired).every(([key, value]) => contains(live[key], value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listSaysAll(live: readonly unknown[], desired: readonly unknown[]): boolean {
  if (desired.length > 0 && desired.every(isNamed)) {
    return desired.every((item) => {
      const same = live.find((other) => isNamed(other) && other.name === item.name);
      return same !== undefined && contains(same, item);
    });
  }
  return live.length === desired.length && desired.every((item, index) => contains(live[index], item));
}

function isNamed(item: unknown): item is { readonly name: string } {
  return typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string';
}
