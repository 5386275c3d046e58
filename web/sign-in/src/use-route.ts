import { useCallback, useEffect, useState } from 'react';
import { formOf } from './route.ts';
import type { Form } from './session.ts';

export interface RouteControl {
  readonly form: Form;
  /** The visitor has gone from one form to the other. */
  readonly hasMoved: boolean;
  /** Back to the sign-in form, without a step in the history. */
  readonly reset: () => void;
}

export function useRoute(): RouteControl {
  const [form, setForm] = useState(() => formOf(location.hash));
  const [hasMoved, setHasMoved] = useState(false);

  useEffect(() => {
    const follow = (): void => {
      setForm(formOf(location.hash));
      setHasMoved(true);
    };
    addEventListener('hashchange', follow);
    return () => {
      removeEventListener('hashchange', follow);
    };
  }, []);

  const reset = useCallback(() => {
    history.replaceState(null, '', location.pathname + location.search);
    setForm('signIn');
  }, []);

  return { form, hasMoved, reset };
}
