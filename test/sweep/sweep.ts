import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { noFaults } from '../faults/gateway.ts';
import type { Write } from '../faults/gateway.ts';
import { faultPlanOf } from '../faults/fault-profiles.ts';
import type { FaultProfileName } from '../faults/fault-profiles.ts';
import { injectNetworkFault } from './network-faults.ts';
import type { NetworkFaultName } from './network-faults.ts';
import { becomesQuiet } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import type { TestBed } from './test-bed.ts';
import { difference } from './state.ts';
import type { State } from './state.ts';
import type { Subject } from './subject.ts';

/** What is done to the operator in one run. */
export type Disturbance =
  | { readonly type: 'crash'; readonly after: Write }
  | { readonly type: 'faults'; readonly profile: FaultProfileName; readonly seed: number }
  | { readonly type: 'network'; readonly fault: NetworkFaultName };

export interface Result {
  readonly scenario: string;
  readonly disturbance: string;
  /** `missed`: the write after which the operator was to die did not happen in this run, which passed without. */
  readonly outcome: 'ok' | 'missed' | 'failed';
  /** How many requests met a fault. */
  readonly faults: number;
  readonly millis: number;
  readonly why?: string;
}

interface Injected {
  readonly came: () => boolean;
  /** Resolves once nothing disturbs the operator any more; called when the scenario has ended. */
  readonly calm: () => Promise<void>;
  /** Resolves once its consequences have ended. */
  readonly over: () => Promise<void>;
}

/** An undisturbed run: the state that every other run must reach, and what the operator wrote on the way. */
export interface CleanRun {
  readonly state: State;
  readonly writes: readonly Write[];
}

const SAME_WITHIN = 45_000;

/** Runs one scenario, first undisturbed and then with each disturbance, on as few stacks as possible. */
export class Sweep {
  private readonly bed: TestBed;
  private readonly scenario: Scenario;
  private subject: Subject | undefined;

  constructor(bed: TestBed, scenario: Scenario) {
    this.bed = bed;
    this.scenario = scenario;
  }

  async clean(): Promise<CleanRun> {
    const { bed, scenario } = this;
    const subject = await this.setUp();
    await scenario.act(subject, bed);
    await becomesQuiet(bed);
    const broken = await bed.invariants.violations(subject.namespace);
    if (broken.length > 0) throw new Error(`${scenario.name}, undisturbed: ${broken.join('; ')}`);
    const run = { state: await subject.state(), writes: [...bed.gateway.writes] };
    await this.tidy(true);
    return run;
  }

  async trial(disturbance: Disturbance, clean: CleanRun): Promise<Result> {
    const begun = performance.now();
    try {
      return await this.runWith(disturbance, clean);
    } catch (error) {
      // From outside the scenario, such as the removal of a stack: this run fails, the others continue with a new stack.
      await this.abandon();
      const millis = Math.round(performance.now() - begun);
      const { name: scenario } = this.scenario;
      return { scenario, disturbance: nameOf(disturbance), outcome: 'failed', faults: 0, millis, why: String(error) };
    }
  }

  private async runWith(disturbance: Disturbance, clean: CleanRun): Promise<Result> {
    const { bed, scenario } = this;
    const begun = performance.now();
    const subject = await this.setUp();
    const injected = await this.inject(disturbance, subject);
    let why: string | undefined;
    try {
      await scenario.act(subject, bed);
      await injected.calm();
      await eventually(async () => demandSame(await subject.state(), clean.state), { within: SAME_WITHIN, every: 200 });
      await injected.over();
    } catch (error) {
      why = [String(error), ...(await bed.lastLinesOfUnready(subject))].join('\n');
      // It must not meet the next run.
      await injected.over().catch(() => undefined);
    }
    const broken = await bed.invariants.violations(subject.namespace);
    if (broken.length > 0) why = [...broken, why].join('; ');
    const faults = bed.gateway.met.length;
    bed.gateway.setFaultPlan(noFaults);
    await this.tidy(why === undefined);
    return {
      scenario: scenario.name,
      disturbance: nameOf(disturbance),
      outcome: why === undefined ? (injected.came() ? 'ok' : 'missed') : 'failed',
      faults,
      millis: Math.round(performance.now() - begun),
      ...(why !== undefined && { why }),
    };
  }

  async end(): Promise<void> {
    await this.tidy(false);
  }

  private async setUp(): Promise<Subject> {
    const { bed, scenario } = this;
    if (!this.subject) {
      this.subject = await bed.prepare();
      bed.operators.start();
      await scenario.prepare?.(this.subject);
      if (scenario.prepare) await becomesQuiet(bed);
    }
    bed.gateway.forget();
    return this.subject;
  }

  /** A stack that reached another state, or was deleted, is not used again. */
  private async tidy(isSound: boolean): Promise<void> {
    if (!this.subject || (isSound && this.scenario.repeats)) return;
    await this.bed.clear(this.subject);
    this.subject = undefined;
  }

  private async inject(disturbance: Disturbance, subject: Subject): Promise<Injected> {
    const { gateway } = this.bed;
    if (disturbance.type === 'network') {
      let hasEnded = false;
      const fault = injectNetworkFault(disturbance.fault, subject, this.bed).then(() => {
        hasEnded = true;
      });
      // Whoever waits for its end hears of it.
      fault.catch(() => undefined);
      return { came: () => hasEnded, calm: () => fault, over: () => fault };
    }
    if (disturbance.type === 'faults') {
      gateway.setFaultPlan(faultPlanOf(disturbance.profile, disturbance.seed));
      // Watches and lists meet a fault when they begin.
      await this.renewOperator();
      const calm = (): Promise<void> => {
        gateway.setFaultPlan(noFaults);
        return Promise.resolve();
      };
      return { came: () => gateway.met.length > 0, calm, over: calm };
    }
    const { after } = disturbance;
    let renewed: Promise<void> | undefined;
    void gateway
      .killAfter(({ label, earlier }) => label === after.label && earlier === after.earlier)
      .then(() => {
        renewed = this.renewOperator();
      });
    return {
      came: () => renewed !== undefined,
      // It may come later, or never.
      calm: () => Promise.resolve(),
      over: async () => {
        await renewed;
        gateway.revive();
      },
    };
  }

  private async abandon(): Promise<void> {
    const { operators, gateway, invariants } = this.bed;
    if (this.subject) invariants.forget(this.subject.namespace);
    this.subject = undefined;
    gateway.setFaultPlan(noFaults);
    gateway.revive();
    await operators.stop();
  }

  private async renewOperator(): Promise<void> {
    const { operators, gateway } = this.bed;
    await operators.stop();
    gateway.revive();
    operators.start();
  }
}

function demandSame(seen: State, wanted: State): void {
  const differs = difference(seen, wanted);
  if (differs.length > 0) throw new Error(`the run ended in another state:\n${differs.join('\n')}`);
}

export function nameOf(disturbance: Disturbance): string {
  if (disturbance.type === 'network') return disturbance.fault;
  if (disturbance.type === 'faults') return `${disturbance.profile} (seed ${disturbance.seed})`;
  const { label, earlier } = disturbance.after;
  return `crash after ${label}${earlier === 0 ? '' : `, the ${earlier + 1}th`}`;
}
