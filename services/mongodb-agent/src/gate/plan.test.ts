import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gateState, planGate } from './plan.ts';
import type { GateFiles } from './plan.ts';

const data = { state: 'data' } as const;
const empty = { state: 'empty' } as const;
const unreadable = { state: 'unreadable', problem: 'EIO' } as const;

test.each([
  ['a container that never came to the gate is unknown', {}, 'unknown'],
  ['a start without a word waits', { waiting: 'a' }, 'waiting'],
  ['a word for an earlier start leaves this one waiting', { waiting: 'b', release: 'a', opened: 'a' }, 'waiting'],
  ['a word for this start releases it', { waiting: 'b', release: 'b' }, 'released'],
  ['a start that went through is released', { opened: 'a' }, 'released'],
])('%s', (_law, files, state) => {
  expect(gateState(files)).toBe(state);
});

test.each([
  ['data starts by itself', { files: { waiting: 'a' }, volume: data }, { type: 'open', wait: 'a' }],
  ['an empty volume is held', { files: { waiting: 'a' }, volume: empty }, { type: 'hold' }],
  ['what cannot be judged is held', { files: { waiting: 'a' }, volume: unreadable }, { type: 'hold' }],
  ['a word is given once', { files: { waiting: 'a', release: 'a' }, volume: data }, { type: 'nothing' }],
  ['nobody waits, nothing is done', { files: { opened: 'a' }, volume: data }, { type: 'nothing' }],
])('%s', (_law, { files, volume }, step) => {
  expect(planGate(files, volume)).toMatchObject(step);
});

/** The gate script and its surroundings, one file operation at a time, so that a kill may fall between any two. */
class World {
  files: { -readonly [K in keyof GateFiles]: GateFiles[K] } = {};
  volume: 'empty' | 'data' = 'empty';
  container: { wait: string; steps: (() => void)[]; isMongod: boolean } | undefined;
  private starts = 0;
  private readonly releasedByOperator = new Set<string>();
  private readonly givenWord = new Set<string>();

  start(): void {
    if (this.container) return;
    this.starts += 1;
    const wait = `start-${this.starts}`;
    this.container = { wait, steps: [], isMongod: false };
    this.container.steps.push(() => {
      this.files.waiting = wait;
    });
  }
  kill(): void {
    this.container = undefined;
  }
  loseVolume(): void {
    if (!this.container) this.volume = 'empty';
  }
  mongodWrites(): void {
    if (this.container?.isMongod) this.volume = 'data';
  }
  agentLooks(): void {
    const step = planGate(this.files, { state: this.volume });
    if (step.type === 'open') this.word(step.wait);
  }
  operatorReleases(): void {
    if (gateState(this.files) !== 'waiting' || this.files.waiting === undefined) return;
    this.releasedByOperator.add(this.files.waiting);
    this.word(this.files.waiting);
  }
  gateGoesOn(): void {
    const { container } = this;
    if (!container || container.isMongod) return;
    const next = container.steps.shift();
    if (next) {
      next();
      return;
    }
    if (this.files.release === container.wait) this.pass(container);
  }

  private word(wait: string): void {
    this.givenWord.add(wait);
    this.files.release = wait;
  }
  private pass(container: NonNullable<World['container']>): void {
    expect(this.givenWord).toContain(container.wait);
    if (this.volume === 'empty') expect(this.releasedByOperator).toContain(container.wait);
    container.steps.push(
      () => (this.files.opened = container.wait),
      () => delete this.files.waiting,
      () => delete this.files.release,
      () => (container.isMongod = true),
    );
  }
}

const events = ['start', 'kill', 'loseVolume', 'mongodWrites', 'agentLooks', 'operatorReleases', 'gateGoesOn'] as const;

test('whatever dies whenever, mongod starts only on a word for this very start, and on an empty volume only on the operator’s', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (history) => {
      const world = new World();
      for (const event of history) world[event]();
    }),
    { numRuns: 2_000 },
  );
});

test('whatever has died before, a member with data comes back without the operator', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (history) => {
      const world = new World();
      for (const event of history) world[event]();
      world.volume = 'data';
      world.start();
      for (let round = 0; round < 8; round += 1) {
        world.agentLooks();
        world.gateGoesOn();
      }
      expect(world.container?.isMongod).toBe(true);
    }),
  );
});
