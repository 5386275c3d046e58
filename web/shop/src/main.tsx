import { createSend } from '@authstack/page/request.ts';
import { browserSurroundings, createSessionChanges } from '@authstack/page/session-changes.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api.ts';
import { App } from './app.tsx';
import { signInLink } from './sign-in-link.ts';

const root = document.getElementById('root');
if (!root) throw new Error('render the page: index.html has no #root');

const api = createApi(createSend((path, init) => fetch(path, init)));
const changes = createSessionChanges(browserSurroundings());

createRoot(root).render(
  <StrictMode>
    <App api={api} changes={changes} signInLink={signInLink(location)} />
  </StrictMode>,
);
