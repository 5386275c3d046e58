import type { ReactElement } from 'react';

/** What has changed, for eyes and screen readers. Only what the visitor asked for and got is a success. */
export interface Announcement {
  readonly text: string;
  readonly tone: 'success' | 'notice';
}

/** Always there, for screen readers announce only what changes in an element that they know. */
export function Status({ announcement }: { readonly announcement: Announcement | undefined }): ReactElement {
  return (
    <p className={`status ${announcement?.tone ?? ''}`} role="status">
      {announcement?.text}
    </p>
  );
}
