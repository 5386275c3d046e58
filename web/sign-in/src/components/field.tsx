import { useId, useState } from 'react';
import type { ReactElement } from 'react';
import type { CredentialField } from '../credentials.ts';

interface FieldProps {
  readonly name: CredentialField;
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: 'email' | 'current-password' | 'new-password';
  readonly error: string | undefined;
  readonly hint?: string;
}

export function Field({ name, label, value, onChange, autoComplete, error, hint }: FieldProps): ReactElement {
  const id = useId();
  const [isShown, setIsShown] = useState(false);
  const isPassword = name === 'password';
  const note = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="entry">
        <input
          id={id}
          name={name}
          type={isPassword ? passwordType(isShown) : 'email'}
          value={value}
          onChange={(event) => {
            onChange(event.target.value);
          }}
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck={false}
          required
          aria-invalid={error !== undefined}
          aria-describedby={note === undefined ? undefined : `${id}-note`}
        />
        {isPassword && (
          // The name tells the state, so there is no `aria-pressed`: with both, one would contradict the other.
          <button
            type="button"
            className="reveal"
            onClick={() => {
              setIsShown(!isShown);
            }}
          >
            {isShown ? 'Hide' : 'Show'}
            <span className="unseen"> password</span>
          </button>
        )}
      </div>
      {note !== undefined && (
        <p id={`${id}-note`} className={error === undefined ? 'note' : 'note error'}>
          {note}
        </p>
      )}
    </div>
  );
}

function passwordType(isShown: boolean): 'text' | 'password' {
  return isShown ? 'text' : 'password';
}
