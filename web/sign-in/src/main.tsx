import { createSend } from '@authstack/page/request.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api.ts';
import { App } from './app.tsx';
import { returnTo } from './return-to.ts';

const root = document.getElementById('root');
if (!root) throw new Error('render the page: index.html has no #root');

const api = createApi(createSend((path, init) => fetch(path, init)));

createRoot(root).render(
  <StrictMode>
    <App api={api} returnTo={returnTo(location.search, location.origin)} />
  </StrictMode>,
);
