import { accentOf } from '@authstack/page/accent.ts';
import { createSend } from '@authstack/page/request.ts';
import { browserSurroundings, createSessionChanges } from '@authstack/page/session-changes.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api.ts';
import { App } from './app.tsx';
import { domainText } from './email-text.ts';
import { readPageSettings } from './page-settings.ts';
import { returnTo } from './return-to.ts';

const root = document.getElementById('root');
if (!root) throw new Error('render the page: index.html has no #root');

const written = document.querySelector<HTMLMetaElement>('meta[name="authstack-page"]');
const settings = readPageSettings(written?.content, domainText(location.host));
if (settings.color !== undefined) {
  const { onLight, onDark } = accentOf(settings.color);
  document.documentElement.style.setProperty('--own-accent-on-light', onLight);
  document.documentElement.style.setProperty('--own-accent-on-dark', onDark);
}

const api = createApi(createSend((path, init) => fetch(path, init)));
const changes = createSessionChanges(browserSurroundings());

createRoot(root).render(
  <StrictMode>
    <App api={api} changes={changes} settings={settings} returnTo={returnTo(location.search, location.origin)} />
  </StrictMode>,
);
