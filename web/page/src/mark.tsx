import type { ReactElement } from 'react';

/** The sign beside a page's name, in the page's colour. */
export function Mark({ children }: { readonly children: ReactElement }): ReactElement {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <g fill="none" strokeWidth="2.5" strokeLinecap="round" strokeLinejoin="round">
        {children}
      </g>
    </svg>
  );
}
