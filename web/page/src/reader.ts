/** Reads a body; `undefined` when it is not what the API promises. */
export type Reader<T> = (body: unknown) => T | undefined;

export const readNothing: Reader<null> = () => null;

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
