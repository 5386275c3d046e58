import { useLayoutEffect, useRef } from 'react';
import type { ReactElement } from 'react';

interface TroubleProps {
  readonly what: string;
  readonly why: string;
  readonly onRetry: () => void;
  readonly retrying?: boolean;
}

export function Trouble({ what, why, onRetry, retrying = false }: TroubleProps): ReactElement {
  const retry = useRef<HTMLButtonElement>(null);

  // When a retry succeeds the button is removed, and the focus would be lost with it.
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
        <p>{why}</p>
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
