import { useLayoutEffect, useRef } from 'react';
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
  const retry = useRef<HTMLButtonElement>(null);

  // When a second try succeeds the button goes, and the focus would go with it.
  useLayoutEffect(() => {
    const button = retry.current;
    return () => {
      if (button && button === document.activeElement) headingOver(button)?.focus();
    };
  }, []);

  return (
    <div className="trouble">
      <div role="alert">
        <strong>{what}</strong>
        <p>{messageFor(problem)}</p>
      </div>
      <button
        ref={retry}
        type="button"
        className="secondary"
        aria-disabled={retrying}
        onClick={retrying ? undefined : onRetry}
      >
        Try again
      </button>
    </div>
  );
}

function headingOver(element: Element): HTMLElement | null {
  return element.closest('section')?.querySelector<HTMLElement>('h1, h2') ?? null;
}
