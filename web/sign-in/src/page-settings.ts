import { isRecord } from '@authstack/page/problem.ts';
import { isCount, isText } from '@authstack/page/reader.ts';

/** What the stack says about its page, in `spec.auth.page` and `spec.auth.password`. */
export interface PageSettings {
  /** What people know this place as. */
  readonly title: string;
  /** Of buttons and links, as `#rrggbb`. */
  readonly color?: string;
  /** Where people get help: a page or a mail address, as a URL. */
  readonly supportUrl?: string;
  /** Of a new password, in characters. */
  readonly passwordMinLength?: number;
}

/** The auth service writes them into the page as JSON. Without a title the page goes by its host name. */
export function readPageSettings(json: string | undefined, hostName: string): PageSettings {
  const from = parsed(json);
  const { title, color, supportUrl, passwordMinLength } = from;
  return {
    title: isText(title) && title !== '' ? title : hostName,
    ...(isText(color) && /^#[0-9a-f]{6}$/i.test(color) && { color }),
    // Not every scheme: a link must not be able to run a script.
    ...(isText(supportUrl) && /^(https:|mailto:)/.test(supportUrl) && { supportUrl }),
    ...(isCount(passwordMinLength) && { passwordMinLength }),
  };
}

function parsed(json: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
