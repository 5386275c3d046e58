import type { Logger } from 'pino';
import type { ReleaseRequest, Volume } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal, messageOf } from '../errors.ts';
import { volumeMismatch } from '../volume/volume.ts';
import type { VolumeDisk } from '../volume/volume.ts';
import type { Gate } from './gate.ts';
import { gateState, planGate } from './plan.ts';

export interface GateDeps {
  readonly gate: Gate;
  readonly volume: VolumeDisk;
  readonly clock: Clock;
  readonly log: Logger;
}

const interval = 250;

/** Lets members with data start by themselves, for as long as the agent lives. */
export async function keepGate({ gate, volume, clock, log }: GateDeps, signal: AbortSignal): Promise<void> {
  let lastReport = '';
  function report(line: string, fields: object): void {
    if (line !== lastReport) log.info(fields, line);
    lastReport = line;
  }
  while (!signal.aborted) {
    try {
      const files = await gate.read();
      const step = gateState(files) === 'waiting' ? planGate(files, await volume.read()) : { type: 'nothing' as const };
      if (step.type === 'hold') report(`mongod is held: ${step.why}`, { wait: step.wait });
      if (step.type === 'open') {
        await gate.open(step.wait);
        report('mongod released: the volume holds data', { wait: step.wait });
      }
    } catch (err) {
      report(`the gate cannot be kept: ${messageOf(err)}`, { err });
    }
    await clock.sleep(interval, signal).catch(() => undefined);
  }
}

/** The operator's word: mongod may start on this volume, empty or not. Repeating it changes nothing. */
export async function release(
  { gate, volume }: Pick<GateDeps, 'gate' | 'volume'>,
  { pvcUid }: ReleaseRequest,
): Promise<void> {
  refuseForeignVolume(await volume.read(), pvcUid);
  const files = await gate.read();
  const state = gateState(files);
  if (state === 'unknown') {
    throw new Refusal(
      'GATE_NOT_WAITING',
      'the mongod container has not come to its gate yet; ask again once gate is "waiting"',
    );
  }
  await volume.claim(pvcUid);
  if (state === 'waiting' && files.waiting !== undefined) await gate.open(files.waiting);
}

function refuseForeignVolume({ state, pvcUid: marked, problem }: Volume, asked: string): void {
  if (state === 'unreadable') {
    throw new Refusal(
      'VOLUME_UNREADABLE',
      `nothing starts on a volume that cannot be judged: ${problem ?? 'unknown cause'}`,
    );
  }
  if (marked !== undefined && marked !== asked) throw volumeMismatch(marked, asked);
}
