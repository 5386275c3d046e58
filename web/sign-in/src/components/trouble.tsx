import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';
import type { Problem } from '../problem.ts';

interface TroubleProps {
  readonly what: string;
  readonly problem: Problem;
  readonly onRetry: () => void;
  readonly retrying?: boolean;
}

export function Trouble({ what, problem, onRetry, retrying = false }: TroubleProps): ReactElement {
  return (
    <div className="trouble">
      <div role="alert">
        <strong>{what}</strong>
        <p>{messageFor(problem)}</p>
      </div>
      <button type="button" className="secondary" aria-disabled={retrying} onClick={retrying ? undefined : onRetry}>
        Try again
      </button>
    </div>
  );
}
