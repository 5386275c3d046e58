import type { Problem } from '@authstack/page/problem.ts';
import { useState } from 'react';
import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';

interface ActionProps {
  readonly name: string;
  /** What the button is about, for screen readers, where its name alone does not say. */
  readonly about?: string;
  readonly className: string;
  /** Resolves to what prevented it, if anything did. When it succeeds, the button is usually gone. */
  readonly act: () => Promise<Problem | undefined>;
}

type ActionState =
  { readonly state: 'idle' } | { readonly state: 'sending' } | { readonly state: 'failed'; readonly problem: Problem };

/** A button that asks the service to do something, and what came of it. */
export function Action({ name, about, className, act }: ActionProps): ReactElement {
  const [current, setCurrent] = useState<ActionState>({ state: 'idle' });
  const isSending = current.state === 'sending';

  async function send(): Promise<void> {
    if (isSending) return;
    setCurrent({ state: 'sending' });
    const problem = await act();
    setCurrent(problem ? { state: 'failed', problem } : { state: 'idle' });
  }

  return (
    <>
      <button
        type="button"
        className={className}
        aria-disabled={isSending}
        onClick={() => {
          void send();
        }}
      >
        {name}
        {about !== undefined && <span className="unseen"> {about}</span>}
      </button>
      {current.state === 'failed' && (
        <p className="alert" role="alert">
          {messageFor(current.problem)}
        </p>
      )}
    </>
  );
}
