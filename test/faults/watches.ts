import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { statusBody } from './fault.ts';
import type { Fault } from './fault.ts';

const UNTIL_TOLD = 1_000;

/** The watches that are open, each with the answer that feeds it. */
export class OpenWatches {
  private readonly open: Map<ServerResponse, IncomingMessage> = new Map();

  /** How many are open and heard. */
  get heard(): number {
    return this.open.size;
  }

  /** Passes on what the API server tells, line by line, until the fault has its turn. */
  pass(answer: IncomingMessage, to: ServerResponse, fault: Fault | undefined): void {
    to.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
    to.flushHeaders();
    this.open.set(to, answer);
    to.on('close', () => this.open.delete(to));
    answer.on('error', () => to.destroy());
    answer.on('end', () => to.end());
    let isDue = fault !== undefined;
    onLines(answer, (line) => {
      if (!this.open.has(to) || to.writableEnded) return;
      const isTheOne = isDue && !line.includes('"type":"BOOKMARK"');
      if (!isTheOne) {
        to.write(`${line}\n`);
        return;
      }
      isDue = false;
      if (fault === 'swallows an event') void this.endSoon(to);
      // Only once the event is on its way.
      else to.write(`${line}\n`, () => this.stop(to, fault));
    });
  }

  break(): void {
    for (const [to] of this.open) to.destroy();
  }

  mute(): void {
    this.open.clear();
  }

  private stop(to: ServerResponse, fault: Fault | undefined): void {
    if (fault === 'breaks') to.destroy();
    if (fault === 'falls silent') this.open.delete(to);
  }

  private async endSoon(to: ServerResponse): Promise<void> {
    await pause(UNTIL_TOLD);
    if (!to.destroyed) to.end(expired());
  }
}

/** An ERROR event, as the watch cache sends it when it has forgotten what happened since. */
export function expired(): string {
  return `{"type":"ERROR","object":${statusBody(410)}}\n`;
}

function onLines(answer: IncomingMessage, take: (line: string) => void): void {
  let rest = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) take(line);
  });
}
