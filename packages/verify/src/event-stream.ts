import { TextDecoder } from 'node:util';

/** An event of a stream (server-sent events, WHATWG HTML section 9.2). */
export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  /** The last that the stream has named, up to this event. */
  readonly id: string | undefined;
  readonly data: string;
}

/** Longer than any event of ours; what is longer is not kept. */
const MAX_LENGTH = 1_048_576;

/** The stream cannot be read any further. */
export class EventTooLong extends Error {
  override readonly name: string = 'EventTooLong';

  constructor() {
    super(`an event has more than ${MAX_LENGTH} characters`);
  }
}

/** Reads what comes, in whatever pieces: between the bytes of a character, between CR and LF. */
export class EventStreamParser {
  private readonly decoder: TextDecoder = new TextDecoder();
  /** Of a line whose end has not come. */
  private begun = '';
  private endedWithCr = false;
  private data: string[] = [];
  private length = 0;
  private type = '';
  private id: string | undefined;

  /** The events that have come to their end; throws EventTooLong. */
  push(bytes: Uint8Array): readonly StreamEvent[] {
    let text = this.decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.endedWithCr && text.startsWith('\n')) text = text.slice(1);
    this.endedWithCr = text.endsWith('\r');
    const events: StreamEvent[] = [];
    let from = 0;
    for (const { index, 0: end } of text.matchAll(/\r\n?|\n/g)) {
      const line = this.begun + text.slice(from, index);
      this.begun = '';
      from = index + end.length;
      const event = this.read(line);
      if (event) events.push(event);
    }
    this.begun += text.slice(from);
    this.bound(this.begun.length);
    return events;
  }

  private read(line: string): StreamEvent | undefined {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    // A comment.
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.length += value.length + 1;
      this.bound(0);
      this.data.push(value);
    } else if (field === 'event') this.type = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
    return undefined;
  }

  private dispatch(): StreamEvent | undefined {
    const { data, type, id } = this;
    this.data = [];
    this.length = 0;
    this.type = '';
    return data.length === 0 ? undefined : { type: type === '' ? 'message' : type, id, data: data.join('\n') };
  }

  private bound(further: number): void {
    if (this.length + further > MAX_LENGTH) throw new EventTooLong();
  }
}
