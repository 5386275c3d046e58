import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gateState, planGate, planWipe, refuseRelease } from './plan.ts';
import type { Asked, GateFiles } from './plan.ts';

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
  [
    'a fence holds data',
    { files: { waiting: 'a' }, volume: { ...data, fenced: true } },
    { type: 'hold', why: expect.stringContaining('authstack.dev/fence-member') },
  ],
  ['a word is given once', { files: { waiting: 'a', release: 'a' }, volume: data }, { type: 'nothing' }],
  ['nobody waits, nothing is done', { files: { opened: 'a' }, volume: data }, { type: 'nothing' }],
])('%s', (_law, { files, volume }, step) => {
  expect(planGate(files, volume)).toMatchObject(step);
});

const pvcUid = 'pvc-0';
const held = { pvcUid, gate: 'waiting' } as const;
const fenced = { pvcUid, fenced: true } as const;

test.each<[string, Asked, string | undefined]>([
  ['an empty volume is released', { ...held, volume: empty }, undefined],
  ['what was released before is released again', { ...held, gate: 'released', volume: { ...data, pvcUid } }, undefined],
  ['a fenced volume is not', { ...held, volume: { ...data, ...fenced } }, 'VOLUME_FENCED'],
  ['a fenced volume that is empty is not', { ...held, volume: { ...empty, ...fenced } }, 'VOLUME_FENCED'],
  ['what cannot be judged is not', { ...held, volume: unreadable }, 'VOLUME_UNREADABLE'],
  ['another claim’s volume is not', { ...held, volume: { ...data, pvcUid: 'pvc-1' } }, 'VOLUME_MISMATCH'],
  ['a container that has not come is not', { ...held, gate: 'unknown', volume: empty }, 'GATE_NOT_WAITING'],
])('release: %s', (_law, asked, code) => {
  expect(refuseRelease(asked)?.code).toBe(code);
});

test.each<[string, Asked, string]>([
  ['a fenced and held volume is wiped', { ...held, volume: { ...data, ...fenced } }, 'wipe'],
  ['a damaged one too', { ...held, volume: { ...unreadable, ...fenced } }, 'wipe'],
  ['one that an earlier wipe left without its end too', { ...held, volume: { ...empty, ...fenced } }, 'wipe'],
  ['one that is wiped already is left alone', { ...held, volume: { ...empty, pvcUid } }, 'nothing'],
  ['data without a fence is not', { ...held, volume: { ...data, pvcUid } }, 'VOLUME_IN_USE'],
  ['damage without a fence is not', { ...held, volume: { ...unreadable, pvcUid } }, 'VOLUME_IN_USE'],
  ['one that mongod may use is not', { ...held, gate: 'released', volume: { ...data, ...fenced } }, 'VOLUME_IN_USE'],
  [
    'one of which that is unknown is not',
    { ...held, gate: 'unknown', volume: { ...data, ...fenced } },
    'VOLUME_IN_USE',
  ],
  ['another claim’s is not', { ...held, volume: { ...data, ...fenced, pvcUid: 'pvc-1' } }, 'VOLUME_MISMATCH'],
  ['one that bears no claim is not', { ...held, volume: empty }, 'VOLUME_MISMATCH'],
])('wipe: %s', (_law, asked, outcome) => {
  const step = planWipe(asked);

  expect(step.type === 'refuse' ? step.refusal.code : step.type).toBe(outcome);
});

/** The gate script and its surroundings, one file operation at a time, so that a kill may fall between any two. */
class World {
  files: { -readonly [K in keyof GateFiles]: GateFiles[K] } = {};
  volume: 'empty' | 'data';
  fenced = false;
  /** What is left of a wipe under way; the agent decides nothing else meanwhile. */
  wipe: (() => void)[] = [];
  container: { wait: string; steps: (() => void)[]; isLetGo: boolean; isMongod: boolean } | undefined;
  private starts = 0;
  private readonly releasedByOperator = new Set<string>();
  private readonly givenWord = new Set<string>();

  constructor(volume: 'empty' | 'data') {
    this.volume = volume;
  }
  start(): void {
    if (this.container) return;
    this.starts += 1;
    const wait = `start-${this.starts}`;
    this.container = { wait, steps: [], isLetGo: false, isMongod: false };
    this.container.steps.push(() => {
      this.files.waiting = wait;
    });
  }
  kill(): void {
    this.container = undefined;
  }
  loseVolume(): void {
    if (this.container) return;
    this.volume = 'empty';
    this.fenced = false;
    this.wipe = [];
  }
  mongodWrites(): void {
    if (this.container?.isMongod) this.volume = 'data';
  }
  agentLooks(): void {
    const step = planGate(this.files, this.asked().volume);
    if (step.type === 'open' && this.wipe.length === 0) this.word(step.wait);
  }
  agentDies(): void {
    this.wipe = [];
  }
  agentWipesOn(): void {
    this.wipe.shift()?.();
  }
  operatorReleases(): void {
    if (refuseRelease(this.asked()) || this.wipe.length > 0) return;
    if (gateState(this.files) !== 'waiting' || this.files.waiting === undefined) return;
    this.releasedByOperator.add(this.files.waiting);
    this.word(this.files.waiting);
  }
  operatorFences(): void {
    if (this.wipe.length === 0) this.fenced = true;
  }
  operatorUnfences(): void {
    if (this.wipe.length === 0) this.fenced = false;
  }
  operatorWipes(): void {
    if (this.wipe.length > 0 || planWipe(this.asked()).type !== 'wipe') return;
    this.wipe.push(
      () => {
        expect(this.container?.isLetGo ?? false).toBe(false);
        this.volume = 'empty';
      },
      () => (this.fenced = false),
    );
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

  private asked(): Asked {
    const volume = { state: this.volume, pvcUid, ...(this.fenced && { fenced: true }) };
    return { pvcUid, volume, gate: gateState(this.files) };
  }
  private word(wait: string): void {
    expect(this.fenced).toBe(false);
    expect(this.wipe).toEqual([]);
    this.givenWord.add(wait);
    this.files.release = wait;
  }
  private pass(container: NonNullable<World['container']>): void {
    expect(this.givenWord).toContain(container.wait);
    if (this.volume === 'empty') expect(this.releasedByOperator).toContain(container.wait);
    container.isLetGo = true;
    container.steps.push(
      () => (this.files.opened = container.wait),
      () => delete this.files.waiting,
      () => delete this.files.release,
      () => (container.isMongod = true),
    );
  }
}

const starts = ['start', 'kill', 'mongodWrites', 'agentLooks', 'agentDies', 'operatorReleases'] as const;
const volumes = ['loseVolume', 'operatorFences', 'operatorUnfences', 'operatorWipes', 'agentWipesOn'] as const;
type Event = 'gateGoesOn' | (typeof starts)[number] | (typeof volumes)[number];

/** The gate takes seven steps to mongod, so it must go on more often than others interfere. */
function eventsOf(...others: readonly Event[]): fc.Arbitrary<Event[]> {
  const event = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Event>('gateGoesOn') },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );
  return fc.array(event, { maxLength: 80, size: 'max' });
}

const histories = fc
  .tuple(fc.constantFrom('empty' as const, 'data' as const), eventsOf(...starts, ...volumes))
  .map(([volume, events]) => (): World => {
    const world = new World(volume);
    for (const event of events) world[event]();
    return world;
  });

const often = { numRuns: 2_000 };

test('whatever dies whenever, mongod starts only on a word for this very start, and on an empty volume only on the operator’s', () => {
  fc.assert(
    fc.property(histories, (history) => {
      history();
    }),
    often,
  );
});

test('no start that comes to the gate behind a fence gets through, and what the volume holds stays', () => {
  fc.assert(
    fc.property(histories, eventsOf(...starts), (history, rest) => {
      const world = history();
      world.agentDies();
      world.operatorFences();
      world.kill();
      const { volume } = world;
      return rest.every((event) => {
        world[event]();
        return world.fenced && world.volume === volume && !world.container?.isLetGo;
      });
    }),
    often,
  );
});

test('whatever has died before, a member with data comes back without the operator once it has no fence', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const world = history();
      world.agentDies();
      world.operatorUnfences();
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
