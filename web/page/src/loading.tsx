import type { ReactElement } from 'react';

interface LoadingProps {
  readonly what: string;
  readonly rows: number;
}

/** About as high as what will replace it, so that nothing jumps. */
export function Loading({ what, rows }: LoadingProps): ReactElement {
  return (
    <div className="loading">
      <p className="unseen">Loading {what}…</p>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="skeleton" aria-hidden="true" />
      ))}
    </div>
  );
}
