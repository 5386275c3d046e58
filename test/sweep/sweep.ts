import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { calm } from '../faults/gateway.ts';
import type { Write } from '../faults/gateway.ts';
import { weatherOf } from '../faults/weather.ts';
import type { ClimateName } from '../faults/weather.ts';
import { becomesQuiet } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import type { Stage } from './stage.ts';
import { difference } from './state.ts';
import type { State } from './state.ts';
import type { Subject } from './subject.ts';

/** What befalls the operator in one run. */
export type Trouble =
  | { readonly type: 'crash'; readonly after: Write }
  | { readonly type: 'weather'; readonly climate: ClimateName; readonly seed: number };

export interface Result {
  readonly scenario: string;
  readonly trouble: string;
  /** `missed`: the write after which the operator was to die did not come in this run; all went well without. */
  readonly outcome: 'ok' | 'missed' | 'failed';
  /** How often requests met the weather. */
  readonly faults: number;
  readonly millis: number;
  readonly why?: string;
}

interface Fate {
  readonly came: () => boolean;
  /** Resolves once what it set going has ended. */
  readonly over: () => Promise<void>;
}

/** A run in which nothing happened: what every other run must come to, and what the operator wrote on the way. */
export interface CleanRun {
  readonly state: State;
  readonly writes: readonly Write[];
}

const SAME_WITHIN = 45_000;

/** Plays one scenario, first undisturbed and then in each trouble, on as few stacks as it can. */
export class Sweep {
  private readonly stage: Stage;
  private readonly scenario: Scenario;
  private subject: Subject | undefined;

  constructor(stage: Stage, scenario: Scenario) {
    this.stage = stage;
    this.scenario = scenario;
  }

  async clean(): Promise<CleanRun> {
    const { stage, scenario } = this;
    const subject = await this.setUp();
    await scenario.act(subject, stage);
    await becomesQuiet(stage);
    const broken = stage.witness.broken(subject.namespace);
    if (broken.length > 0) throw new Error(`${scenario.name}, undisturbed: ${broken.join('; ')}`);
    const run = { state: await subject.state(), writes: [...stage.gateway.writes] };
    await this.tidy(true);
    return run;
  }

  async trial(trouble: Trouble, clean: CleanRun): Promise<Result> {
    const begun = performance.now();
    try {
      return await this.play(trouble, clean);
    } catch (error) {
      // Of what is around the run, such as taking a stack away: one run fails, the others go on with a new stack.
      await this.abandon();
      const millis = Math.round(performance.now() - begun);
      const { name: scenario } = this.scenario;
      return { scenario, trouble: nameOf(trouble), outcome: 'failed', faults: 0, millis, why: String(error) };
    }
  }

  private async play(trouble: Trouble, clean: CleanRun): Promise<Result> {
    const { stage, scenario } = this;
    const begun = performance.now();
    const subject = await this.setUp();
    const fate = await this.strike(trouble);
    let why: string | undefined;
    try {
      await scenario.act(subject, stage);
      stage.gateway.setWeather(calm);
      await eventually(async () => demandSame(await subject.state(), clean.state), { within: SAME_WITHIN, every: 200 });
      await fate.over();
    } catch (error) {
      why = String(error);
    }
    const broken = stage.witness.broken(subject.namespace);
    if (broken.length > 0) why = [...broken, why].join('; ');
    const faults = stage.gateway.met.length;
    stage.gateway.setWeather(calm);
    await this.tidy(why === undefined);
    return {
      scenario: scenario.name,
      trouble: nameOf(trouble),
      outcome: why === undefined ? (fate.came() ? 'ok' : 'missed') : 'failed',
      faults,
      millis: Math.round(performance.now() - begun),
      ...(why !== undefined && { why }),
    };
  }

  async end(): Promise<void> {
    await this.tidy(false);
  }

  private async setUp(): Promise<Subject> {
    const { stage, scenario } = this;
    if (!this.subject) {
      this.subject = await stage.prepare();
      stage.operators.start();
      await scenario.prepare?.(this.subject);
      if (scenario.prepare) await becomesQuiet(stage);
    }
    stage.gateway.forget();
    return this.subject;
  }

  /** A stack that came to another end, or to its end, is of no more use. */
  private async tidy(isSound: boolean): Promise<void> {
    if (!this.subject || (isSound && this.scenario.repeats)) return;
    await this.stage.clear(this.subject);
    this.subject = undefined;
  }

  private async strike(trouble: Trouble): Promise<Fate> {
    const { gateway } = this.stage;
    if (trouble.type === 'weather') {
      gateway.setWeather(weatherOf(trouble.climate, trouble.seed));
      // Watches and lists meet it when they begin.
      await this.renewOperator();
      return { came: () => gateway.met.length > 0, over: () => Promise.resolve() };
    }
    const { after } = trouble;
    let renewed: Promise<void> | undefined;
    void gateway
      .killAfter(({ label, earlier }) => label === after.label && earlier === after.earlier)
      .then(() => {
        renewed = this.renewOperator();
      });
    return {
      came: () => renewed !== undefined,
      over: async () => {
        await renewed;
        gateway.revive();
      },
    };
  }

  private async abandon(): Promise<void> {
    const { operators, gateway, witness } = this.stage;
    if (this.subject) witness.forget(this.subject.namespace);
    this.subject = undefined;
    gateway.setWeather(calm);
    gateway.revive();
    await operators.stop();
  }

  private async renewOperator(): Promise<void> {
    const { operators, gateway } = this.stage;
    await operators.stop();
    gateway.revive();
    operators.start();
  }
}

function demandSame(seen: State, wanted: State): void {
  const differs = difference(seen, wanted);
  if (differs.length > 0) throw new Error(`the end is another:\n${differs.join('\n')}`);
}

export function nameOf(trouble: Trouble): string {
  if (trouble.type === 'weather') return `${trouble.climate} (seed ${trouble.seed})`;
  const { label, earlier } = trouble.after;
  return `crash after ${label}${earlier === 0 ? '' : `, the ${earlier + 1}th`}`;
}
