import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventStreamParser, EventTooLong } from './event-stream.ts';
import type { StreamEvent } from './event-stream.ts';

function eventsOf(...chunks: readonly (string | Uint8Array)[]): readonly StreamEvent[] {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
}

const event = (data: string, of: Partial<StreamEvent> = {}): StreamEvent => ({
  type: 'message',
  id: undefined,
  data,
  ...of,
});

test.each<[string, string, readonly StreamEvent[]]>([
  [
    'an event with a type and an id',
    'id: e.1\nevent: snapshot\ndata: {}\n\n',
    [event('{}', { type: 'snapshot', id: 'e.1' })],
  ],
  ['fields in any order, without a space', 'data:a\nid:7\nevent:x\n\n', [event('a', { type: 'x', id: '7' })]],
  ['one space after the colon and no other', 'data:  a \n\n', [event(' a ')]],
  ['several lines of data', 'data: a\ndata\ndata: b\n\n', [event('a\n\nb')]],
  [
    'an id that stays until there is another',
    'id: 1\ndata: a\n\ndata: b\n\n',
    [event('a', { id: '1' }), event('b', { id: '1' })],
  ],
  ['a type that does not stay', 'event: x\ndata: a\n\ndata: b\n\n', [event('a', { type: 'x' }), event('b')]],
  ['comments', ':\n\n: hello\ndata: a\n:\n\n', [event('a')]],
  ['an event without data', 'event: x\nid: 3\n\ndata: a\n\n', [event('a', { id: '3' })]],
  ['fields that nobody knows', 'retry: 10\nfoo: bar\ndatax: b\ndata: a\n\n', [event('a')]],
  ['an id with a NUL, which is none', 'id: a\0b\ndata: a\n\n', [event('a')]],
  ['a byte order mark', '\uFEFFdata: a\n\n', [event('a')]],
  ['an event whose end has not come', 'data: a\n\ndata: b\n', [event('a')]],
  ['CR as the end of lines', 'data: a\rdata: b\r\rdata: c\r\r', [event('a\nb'), event('c')]],
  ['CR and LF as the end of lines', 'data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', [event('a\nb'), event('c')]],
])('%s', (_what, text, expected) => {
  expect(eventsOf(text)).toEqual(expected);
});

test('however a stream is cut into pieces, it reads the same', () => {
  const text = fc
    .array(fc.constantFrom('data: ä€😀', 'data:x', 'id: e.5', 'event: keys-changed', ': no', '', '', 'foo', 'data'))
    .chain((lines) =>
      fc
        .array(fc.constantFrom('\n', '\r', '\r\n'), { minLength: lines.length, maxLength: lines.length })
        .map((ends) => lines.map((line, index) => `${line}${ends[index] ?? ''}`).join('')),
    );
  const cuts = fc.array(fc.nat(400), { maxLength: 30 });
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const bytes = Buffer.from(whole);
      const places = [0, ...at.filter((place) => place < bytes.length).toSorted((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
      expect(eventsOf(...pieces)).toEqual(eventsOf(bytes));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['a line without an end', () => [Buffer.alloc(700_000, 'x'), Buffer.alloc(700_000, 'x')]],
  ['data of many lines', () => Array.from({ length: 30 }, () => `data: ${'x'.repeat(50_000)}\n`)],
])('%s is kept up to a bound', (_what, chunks) => {
  expect(() => eventsOf(...chunks())).toThrow(EventTooLong);
});
