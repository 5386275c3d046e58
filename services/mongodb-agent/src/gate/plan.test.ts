import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gateState, planGate, planWipe, refuseRelease } from './plan.ts';
import type { VolumeRequest, GateFiles } from './plan.ts';

const data = { state: 'data' } as const;
const empty = { state: 'empty' } as const;
const unreadable = { state: 'unreadable', problem: 'EIO' } as const;

test.each([
  ['a container that never reached the gate is unknown', {}, 'unknown'],
  ['a start without a permit waits', { waiting: 'a' }, 'waiting'],
  ['a permit for an earlier start leaves this one waiting', { waiting: 'b', release: 'a', opened: 'a' }, 'waiting'],
  ['a permit for this start releases it', { waiting: 'b', release: 'b' }, 'released'],
  ['a start that became mongod is released', { opened: 'a' }, 'released'],
])('%s', (_law, files, state) => {
  expect(gateState(files)).toBe(state);
});

test.each([
  [
    'a volume with data starts without the operator',
    { files: { waiting: 'a' }, volume: data },
    { type: 'open', wait: 'a' },
  ],
  ['an empty volume is held', { files: { waiting: 'a' }, volume: empty }, { type: 'hold' }],
  ['an unreadable volume is held', { files: { waiting: 'a' }, volume: unreadable }, { type: 'hold' }],
  [
    'a fence holds data',
    { files: { waiting: 'a' }, volume: { ...data, fenced: true } },
    { type: 'hold', why: expect.stringContaining('authstack.dev/fence-member') },
  ],
  ['a permit is given once', { files: { waiting: 'a', release: 'a' }, volume: data }, { type: 'nothing' }],
  ['nothing is done when no start waits', { files: { opened: 'a' }, volume: data }, { type: 'nothing' }],
])('%s', (_law, { files, volume }, step) => {
  expect(planGate(files, volume)).toMatchObject(step);
});

const pvcUid = 'pvc-0';
const held = { pvcUid, gate: 'waiting' } as const;
const fenced = { pvcUid, fenced: true } as const;

test.each<[string, VolumeRequest, string | undefined]>([
  ['an empty volume is released', { ...held, volume: empty }, undefined],
  ['what was released before is released again', { ...held, gate: 'released', volume: { ...data, pvcUid } }, undefined],
  ['a fenced volume is not', { ...held, volume: { ...data, ...fenced } }, 'VOLUME_FENCED'],
  ['a fenced volume that is empty is not', { ...held, volume: { ...empty, ...fenced } }, 'VOLUME_FENCED'],
  ['an unreadable volume is not', { ...held, volume: unreadable }, 'VOLUME_UNREADABLE'],
  ['another claim’s volume is not', { ...held, volume: { ...data, pvcUid: 'pvc-1' } }, 'VOLUME_MISMATCH'],
  ['a container that has not reached its gate is not', { ...held, gate: 'unknown', volume: empty }, 'GATE_NOT_WAITING'],
])('release: %s', (_law, request, code) => {
  expect(refuseRelease(request)?.code).toBe(code);
});

test.each<[string, VolumeRequest, string]>([
  ['a fenced and held volume is wiped', { ...held, volume: { ...data, ...fenced } }, 'wipe'],
  ['a damaged one too', { ...held, volume: { ...unreadable, ...fenced } }, 'wipe'],
  ['one that an interrupted wipe left too', { ...held, volume: { ...empty, ...fenced } }, 'wipe'],
  ['one that is wiped already is left alone', { ...held, volume: { ...empty, pvcUid } }, 'nothing'],
  ['data without a fence is not', { ...held, volume: { ...data, pvcUid } }, 'VOLUME_IN_USE'],
  ['damage without a fence is not', { ...held, volume: { ...unreadable, pvcUid } }, 'VOLUME_IN_USE'],
  ['one that mongod may use is not', { ...held, gate: 'released', volume: { ...data, ...fenced } }, 'VOLUME_IN_USE'],
  [
    'one of a container that has not reached its gate is not',
    { ...held, gate: 'unknown', volume: { ...data, ...fenced } },
    'VOLUME_IN_USE',
  ],
  ['another claim’s is not', { ...held, volume: { ...data, ...fenced, pvcUid: 'pvc-1' } }, 'VOLUME_MISMATCH'],
  ['one without a claim is not', { ...held, volume: empty }, 'VOLUME_MISMATCH'],
])('wipe: %s', (_law, request, outcome) => {
  const step = planWipe(request);

  expect(step.type === 'refuse' ? step.refusal.code : step.type).toBe(outcome);
});

/** The gate script and its surroundings, one file operation at a time, so that a kill may happen between any two. */
class World {
  files: { -readonly [K in keyof GateFiles]: GateFiles[K] } = {};
  volume: 'empty' | 'data';
  fenced = false;
  /** What is left of a wipe under way; the agent decides nothing else meanwhile. */
  wipe: (() => void)[] = [];
  container: { wait: string; steps: (() => void)[]; isPermitted: boolean; isMongod: boolean } | undefined;
  private starts = 0;
  private readonly releasedByOperator = new Set<string>();
  private readonly permitted = new Set<string>();

  constructor(volume: 'empty' | 'data') {
    this.volume = volume;
  }
  start(): void {
    if (this.container) return;
    this.starts += 1;
    const wait = `start-${this.starts}`;
    this.container = { wait, steps: [], isPermitted: false, isMongod: false };
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
    const step = planGate(this.files, this.request().volume);
    if (step.type === 'open' && this.wipe.length === 0) this.permit(step.wait);
  }
  agentDies(): void {
    this.wipe = [];
  }
  agentContinuesWipe(): void {
    this.wipe.shift()?.();
  }
  operatorReleases(): void {
    if (refuseRelease(this.request()) || this.wipe.length > 0) return;
    if (gateState(this.files) !== 'waiting' || this.files.waiting === undefined) return;
    this.releasedByOperator.add(this.files.waiting);
    this.permit(this.files.waiting);
  }
  operatorFences(): void {
    if (this.wipe.length === 0) this.fenced = true;
  }
  operatorUnfences(): void {
    if (this.wipe.length === 0) this.fenced = false;
  }
  operatorWipes(): void {
    if (this.wipe.length > 0 || planWipe(this.request()).type !== 'wipe') return;
    this.wipe.push(
      () => {
        expect(this.container?.isPermitted ?? false).toBe(false);
        this.volume = 'empty';
      },
      () => (this.fenced = false),
    );
  }
  gateSteps(): void {
    const { container } = this;
    if (!container || container.isMongod) return;
    const next = container.steps.shift();
    if (next) {
      next();
      return;
    }
    if (this.files.release === container.wait) this.pass(container);
  }

  private request(): VolumeRequest {
    const volume = { state: this.volume, pvcUid, ...(this.fenced && { fenced: true }) };
    return { pvcUid, volume, gate: gateState(this.files) };
  }
  private permit(wait: string): void {
    expect(this.fenced).toBe(false);
    expect(this.wipe).toEqual([]);
    this.permitted.add(wait);
    this.files.release = wait;
  }
  private pass(container: NonNullable<World['container']>): void {
    expect(this.permitted).toContain(container.wait);
    if (this.volume === 'empty') expect(this.releasedByOperator).toContain(container.wait);
    container.isPermitted = true;
    container.steps.push(
      () => (this.files.opened = container.wait),
      () => delete this.files.waiting,
      () => delete this.files.release,
      () => (container.isMongod = true),
    );
  }
}

const starts = ['start', 'kill', 'mongodWrites', 'agentLooks', 'agentDies', 'operatorReleases'] as const;
const volumes = ['loseVolume', 'operatorFences', 'operatorUnfences', 'operatorWipes', 'agentContinuesWipe'] as const;
type Event = 'gateSteps' | (typeof starts)[number] | (typeof volumes)[number];

/** The gate takes seven steps to mongod, so it must step more often than others interfere. */
function eventsOf(...others: readonly Event[]): fc.Arbitrary<Event[]> {
  const event = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Event>('gateSteps') },
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

test('whatever dies whenever, mongod starts only with a permit for this very start, and on an empty volume only when the operator released it', () => {
  fc.assert(
    fc.property(histories, (history) => {
      history();
    }),
    often,
  );
});

test('no start on a fenced volume is permitted, and the volume keeps its content', () => {
  fc.assert(
    fc.property(histories, eventsOf(...starts), (history, rest) => {
      const world = history();
      world.agentDies();
      world.operatorFences();
      world.kill();
      const { volume } = world;
      return rest.every((event) => {
        world[event]();
        return world.fenced && world.volume === volume && !world.container?.isPermitted;
      });
    }),
    often,
  );
});

test('whatever has died before, a member with data starts without the operator once it is not fenced', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const world = history();
      world.agentDies();
      world.operatorUnfences();
      world.volume = 'data';
      world.start();
      for (let round = 0; round < 8; round += 1) {
        world.agentLooks();
        world.gateSteps();
      }
      expect(world.container?.isMongod).toBe(true);
    }),
  );
});
