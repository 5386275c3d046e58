/** Reads a body; `undefined` when it is not what the API promises. */
export type Reader<T> = (body: unknown) => T | undefined;

export const readNothing: Reader<null> = () => null;

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** All of it or nothing: a list with an entry that cannot be read is not what the API promises. */
export function readList<T>(list: unknown, read: Reader<T>): readonly T[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const items = list.map(read).filter((item) => item !== undefined);
  return items.length === list.length ? items : undefined;
}
