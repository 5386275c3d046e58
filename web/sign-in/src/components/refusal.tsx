import type { ReactElement } from 'react';
import type { DeadEnd } from '../messages.ts';
import type { PageSettings } from '../page-settings.ts';

interface RefusalProps {
  readonly why: string | DeadEnd;
  readonly settings: PageSettings;
  readonly onOtherAccount: () => void;
}

/** Why the form as a whole was refused; where no further attempt helps, the ways on. */
export function Refusal({ why, settings, onOtherAccount }: RefusalProps): ReactElement {
  if (typeof why === 'string') {
    return (
      <p className="alert" role="alert">
        {why}
      </p>
    );
  }
  const { title, supportUrl } = settings;
  return (
    <div className="alert dead-end">
      <div role="alert">
        <strong>{why.title}</strong>
        <p>{why.text}</p>
        {supportUrl === undefined && <p>If you think that this is a mistake, ask whoever runs {title}.</p>}
      </div>
      <div className="ways">
        {supportUrl !== undefined && (
          <a className="button secondary" href={supportUrl}>
            Contact support
          </a>
        )}
        <button type="button" className="secondary" onClick={onOtherAccount}>
          Use another account
        </button>
      </div>
    </div>
  );
}
