export interface ServerSentEvent {
  readonly type: string;
  readonly id: string | undefined;
  readonly data: object;
}

/** JSON has no line break of its own, so that the data is one line. */
export function encodeEvent({ type, id, data }: ServerSentEvent): string {
  const position = id === undefined ? '' : `id: ${id}\n`;
  return `${position}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Readers skip it; it shows that the connection lives. */
export const COMMENT = ':\n\n';
