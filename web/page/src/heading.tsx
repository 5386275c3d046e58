import { useLayoutEffect, useRef } from 'react';
import type { ReactElement } from 'react';

interface HeadingProps {
  readonly id: string;
  readonly text: string;
  /** This view has replaced the one that had the focus, so the heading takes it. */
  readonly takesFocus: boolean;
}

export function Heading({ id, text, takesFocus }: HeadingProps): ReactElement {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);
  return (
    <h1 id={id} ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
