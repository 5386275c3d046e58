import type { Problem, Result } from '@authstack/page/problem.ts';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import type { Credentials } from '../api.ts';
import { credentialFields, formErrorsOf, missingFields } from '../credentials.ts';
import type { FormErrors } from '../credentials.ts';
import { newPasswordHint } from '../messages.ts';
import type { PageSettings } from '../page-settings.ts';
import type { User } from '../replies.ts';
import { Field } from './field.tsx';
import { Refusal } from './refusal.tsx';

interface CredentialsFormProps {
  /** What its button says. */
  readonly name: string;
  readonly newPassword: boolean;
  readonly settings: PageSettings;
  readonly email: string;
  readonly onEmail: (email: string) => void;
  readonly submit: (credentials: Credentials) => Promise<Result<User>>;
  readonly onDone: (user: User) => void;
}

type Submission =
  | { readonly state: 'idle' }
  | { readonly state: 'sending' }
  | { readonly state: 'refused'; readonly errors: FormErrors };

export function CredentialsForm(props: CredentialsFormProps): ReactElement {
  const { name, newPassword, settings, email, onEmail } = props;
  const [password, setPassword] = useState('');
  const { errors, isSending, send, reset } = useSubmission(props);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (form.current) focusFirstInvalid(form.current, errors);
  }, [errors]);

  function startOver(): void {
    reset();
    onEmail('');
    setPassword('');
    focusField(form.current, 'email');
  }

  return (
    <form
      ref={form}
      noValidate
      aria-labelledby="form-heading"
      aria-busy={isSending}
      onSubmit={(event) => {
        event.preventDefault();
        void send({ email, password });
      }}
    >
      <Field
        name="email"
        label="Email"
        value={email}
        onChange={onEmail}
        autoComplete="email"
        error={errors.fields.email}
      />
      <Field
        name="password"
        label="Password"
        value={password}
        onChange={setPassword}
        autoComplete={newPassword ? 'new-password' : 'current-password'}
        error={errors.fields.password}
        {...(newPassword && { hint: newPasswordHint(settings.passwordMinLength) })}
      />
      {errors.form !== undefined && <Refusal why={errors.form} settings={settings} onOtherAccount={startOver} />}
      <button type="submit" className="primary wide" aria-disabled={isSending}>
        {name}
      </button>
    </form>
  );
}

interface SubmissionControl {
  readonly errors: FormErrors;
  readonly isSending: boolean;
  readonly send: (credentials: Credentials) => Promise<void>;
  /** Takes back what was refused. */
  readonly reset: () => void;
}

const noErrors: FormErrors = { fields: {} };

function useSubmission({ submit, onDone }: Pick<CredentialsFormProps, 'submit' | 'onDone'>): SubmissionControl {
  const [submission, setSubmission] = useState<Submission>({ state: 'idle' });
  const isSending = submission.state === 'sending';

  function refuse(problem: Problem): void {
    setSubmission({ state: 'refused', errors: formErrorsOf(problem) });
  }

  async function send(credentials: Credentials): Promise<void> {
    if (isSending) return;
    const missing = missingFields(credentials);
    if (missing) {
      refuse(missing);
      return;
    }
    setSubmission({ state: 'sending' });
    const answer = await submit(credentials);
    if (answer.ok) onDone(answer.value);
    else refuse(answer.problem);
  }

  return {
    errors: submission.state === 'refused' ? submission.errors : noErrors,
    isSending,
    send,
    reset() {
      setSubmission({ state: 'idle' });
    },
  };
}

function focusFirstInvalid(form: HTMLFormElement, { fields }: FormErrors): void {
  const first = credentialFields.find((field) => fields[field] !== undefined);
  if (first !== undefined) focusField(form, first);
}

function focusField(form: HTMLFormElement | null, name: string): void {
  const input = form?.elements.namedItem(name);
  if (input instanceof HTMLElement) input.focus();
}
