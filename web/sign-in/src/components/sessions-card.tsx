import { Loading } from '@authstack/page/loading.tsx';
import type { Problem } from '@authstack/page/problem.ts';
import { timeText } from '@authstack/page/day.ts';
import { Trouble } from '@authstack/page/trouble.tsx';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import { deviceText } from '../device.ts';
import { messageFor } from '../messages.ts';
import type { OpenSession } from '../replies.ts';
import type { OpenSessionsControl } from '../use-open-sessions.ts';
import { Action } from './action.tsx';

interface SessionsCardProps {
  readonly control: OpenSessionsControl;
  readonly onSignOutEverywhere: () => Promise<Problem | undefined>;
}

export function SessionsCard({ control, onSignOutEverywhere }: SessionsCardProps): ReactElement {
  const { sessions } = control;
  const heading = useRef<HTMLHeadingElement>(null);
  const ended = sessions.state === 'loaded' ? sessions.lastEnded : undefined;

  // The button that was pressed has been removed, and the focus with it.
  useEffect(() => {
    if (ended && document.activeElement === document.body) heading.current?.focus();
  }, [ended]);

  return (
    <section className="card" aria-labelledby="sessions-heading" aria-busy={sessions.state === 'loading'}>
      <h2 id="sessions-heading" ref={heading} tabIndex={-1}>
        Where you are signed in
      </h2>
      <SessionList control={control} />
      <p className="unseen" role="status">
        {ended && `${deviceText(ended.userAgent)} is signed out.`}
      </p>
      <Action name="Sign out everywhere" className="secondary wide" act={onSignOutEverywhere} />
    </section>
  );
}

/** More would hide what is below it; the others are one press away. */
const SHOWN_AT_FIRST = 5;

function SessionList({ control: { sessions, retry, end } }: Pick<SessionsCardProps, 'control'>): ReactElement {
  const [showsAll, setShowsAll] = useState(false);
  const list = useRef<HTMLUListElement>(null);

  // The button that was pressed has been removed, and the focus with it; what it brought is read next.
  useEffect(() => {
    const first = list.current?.children[SHOWN_AT_FIRST];
    if (showsAll && first instanceof HTMLElement) first.focus();
  }, [showsAll]);

  if (sessions.state === 'loading') return <Loading what="where you are signed in" rows={1} />;
  if (sessions.state === 'failed') {
    return (
      <Trouble
        what="The list is not available right now."
        why={messageFor(sessions.problem)}
        retrying={sessions.retrying}
        onRetry={retry}
      />
    );
  }
  const all = sessions.sessions;
  // One more than fits is shown rather than a button in its place.
  const shown = showsAll || all.length <= SHOWN_AT_FIRST + 1 ? all : all.slice(0, SHOWN_AT_FIRST);
  return (
    <>
      <ul className="rows" ref={list}>
        {shown.map((session) => (
          <SessionRow key={session.id} session={session} onEnd={end} />
        ))}
      </ul>
      {shown.length < all.length && (
        <button
          type="button"
          className="quiet"
          onClick={() => {
            setShowsAll(true);
          }}
        >
          Show all {all.length}
        </button>
      )}
    </>
  );
}

interface SessionRowProps {
  readonly session: OpenSession;
  readonly onEnd: OpenSessionsControl['end'];
}

function SessionRow({ session, onEnd }: SessionRowProps): ReactElement {
  const { userAgent, openedAt, lastUsedAt, current } = session;
  const device = deviceText(userAgent);
  return (
    <li className="row" tabIndex={-1}>
      <div>
        <h3 title={userAgent}>{device}</h3>
        <p className="detail">
          {current ? (
            <>
              Signed in <time dateTime={openedAt}>{timeText(openedAt)}</time>
            </>
          ) : (
            <>
              Last used <time dateTime={lastUsedAt}>{timeText(lastUsedAt)}</time>
            </>
          )}
        </p>
      </div>
      {current ? (
        <span className="badge good">This device</span>
      ) : (
        <Action name="Sign out" about={device} className="secondary small" act={() => onEnd(session)} />
      )}
    </li>
  );
}
