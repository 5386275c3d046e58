import { useCallback, useEffect, useState } from 'react';
import { routeOf } from './route.ts';
import type { Route } from './route.ts';

export interface RouteControl {
  readonly route: Route;
  /** Back to the plain address, without a step in the history. */
  readonly reset: () => void;
}

export function useRoute(): RouteControl {
  const [route, setRoute] = useState(() => routeOf(location.hash));

  useEffect(() => {
    const follow = (): void => {
      setRoute(routeOf(location.hash));
    };
    addEventListener('hashchange', follow);
    return () => {
      removeEventListener('hashchange', follow);
    };
  }, []);

  const reset = useCallback(() => {
    history.replaceState(null, '', location.pathname);
    setRoute('signIn');
  }, []);

  return { route, reset };
}
